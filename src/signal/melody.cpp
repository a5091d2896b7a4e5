#include "signal/melody.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "signal/melody_salience.hpp"
#include "signal/melody_weights.hpp"

namespace euterpe {
namespace {

using Salience = MelodySalience;
constexpr std::size_t kCandidates = 10;  ///< a frame
using melody_weights::kFeatures;

/// What is known of the pitches in a stretch of audio; row t of each array is frame t.
struct Stretch {
  std::size_t frames = 0;
  std::vector<float> peaks, salience;   ///< [frames × kPeakBins], [frames × kBins]
  std::vector<float> energy, greatest;  ///< log energy; greatest salience
  float level = 0, mean_energy = 0;     ///< means of these two over the stretch

  std::span<const float> peaks_at(std::size_t t) const {
    return {&peaks[t * Salience::kPeakBins], Salience::kPeakBins};
  }
  std::span<const float> salience_at(std::size_t t) const { return {&salience[t * Salience::kBins], Salience::kBins}; }
};

/// Frames [begin, end) of the recording.
Stretch listen(std::span<const float> samples, std::size_t begin, std::size_t end, Salience& salience) {
  Stretch s;
  s.frames = end - begin;
  s.peaks.resize(s.frames * Salience::kPeakBins);
  s.salience.resize(s.frames * Salience::kBins);
  double energy = 0, level = 0;
  for (std::size_t t = 0; t < s.frames; ++t) {
    const std::span<float> row{&s.salience[t * Salience::kBins], Salience::kBins};
    s.energy.push_back(salience.analyze(samples, (begin + t) * Salience::kHop,
                                        {&s.peaks[t * Salience::kPeakBins], Salience::kPeakBins}, row));
    s.greatest.push_back(std::ranges::max(row));
    energy += s.energy.back();
    level += s.greatest.back();
  }
  s.mean_energy = static_cast<float>(energy / static_cast<double>(s.frames));
  s.level = static_cast<float>(level / static_cast<double>(s.frames));
  return s;
}

/// The greatest value within 30 cents of a bin.
float around(std::span<const float> row, std::ptrdiff_t bin) {
  constexpr std::ptrdiff_t kReach = 3;
  float greatest = 0;
  const auto size = static_cast<std::ptrdiff_t>(row.size());
  for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(bin - kReach, 0); i <= std::min(bin + kReach, size - 1); ++i)
    greatest = std::max(greatest, row[static_cast<std::size_t>(i)]);
  return greatest;
}

/// The note of a candidate, followed through the salience in one direction of time until it begins, ends or is struck
/// again.
struct Ridge {
  float length = 0;                  ///< frames
  float peak = 0, partial_peak = 0;  ///< greatest salience and greatest peak at the fundamental on the way
  float beyond = 0;                  ///< salience at the same pitch where it ended
};

Ridge follow(const Stretch& s, std::size_t t, std::size_t bin, int direction) {
  constexpr float kLongest = 60, kFaded = 0.3f, kStruck = 0.6f;
  float now = s.salience_at(t)[bin];
  auto at = static_cast<std::ptrdiff_t>(bin);
  Ridge ridge{0, now, around(s.peaks_at(t), at + static_cast<std::ptrdiff_t>(Salience::kOffset)), 0};
  while (ridge.length < kLongest) {
    if (direction < 0 ? t == 0 : t + 1 == s.frames) return ridge;
    t = direction < 0 ? t - 1 : t + 1;
    const std::span<const float> row = s.salience_at(t);
    std::ptrdiff_t best = at;
    for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(at - 3, 0);
         i <= std::min<std::ptrdiff_t>(at + 3, Salience::kBins - 1); ++i)
      if (row[static_cast<std::size_t>(i)] > row[static_cast<std::size_t>(best)]) best = i;
    const float next = row[static_cast<std::size_t>(best)];
    const bool struck = direction < 0 ? next < kStruck * now : now < kStruck * next;
    if (next < kFaded * ridge.peak || struck) {
      ridge.beyond = next;
      return ridge;
    }
    at = best;
    now = next;
    ++ridge.length;
    ridge.peak = std::max(ridge.peak, now);
    ridge.partial_peak =
        std::max(ridge.partial_peak, around(s.peaks_at(t), at + static_cast<std::ptrdiff_t>(Salience::kOffset)));
  }
  return ridge;
}

struct Candidate {
  float pitch = 0;  ///< MIDI, fractional
  float salience = 0;
  std::array<float, kFeatures> features{};
};

/// The most salient pitches of frame t and what may tell which of them is the melody.
std::vector<Candidate> candidates(const Stretch& s, std::size_t t, const Salience& grid) {
  const std::span<const float> salience = s.salience_at(t), peaks = s.peaks_at(t);
  std::vector<std::size_t> bins;
  for (std::size_t b = 1; b + 1 < salience.size(); ++b)
    if (salience[b] > salience[b - 1] && salience[b] >= salience[b + 1]) bins.push_back(b);
  const std::size_t kept = std::min(kCandidates, bins.size());
  std::ranges::partial_sort(bins, bins.begin() + static_cast<std::ptrdiff_t>(kept),
                            [&](std::size_t a, std::size_t b) { return salience[a] > salience[b]; });
  bins.resize(kept);

  const float floor = 0.02f * s.level + 1e-6f;
  const auto log_of = [&](float x) { return std::log(x + floor); };
  const float level = std::log(s.level + 1e-3f);
  std::vector<Candidate> found;
  for (const std::size_t bin : bins) {
    const auto b = static_cast<std::ptrdiff_t>(bin), fundamental = b + static_cast<std::ptrdiff_t>(Salience::kOffset);
    Candidate c;
    const double left = salience[bin - 1], here = salience[bin], right = salience[bin + 1];
    const double shift = std::clamp(0.5 * (left - right) / (left - 2 * here + right - 1e-12), -0.5, 0.5);
    c.pitch = static_cast<float>(Salience::kLowest + (static_cast<double>(bin) + shift) / Salience::kPerSemitone);
    c.salience = salience[bin];
    const float own = log_of(salience[bin]);
    float* f = c.features.data();
    *f++ = own - log_of(s.greatest[t]);
    *f++ = own - level;
    for (int h = 1; h <= 6; ++h) *f++ = log_of(around(peaks, fundamental + grid.harmonic(h))) - own;
    constexpr std::ptrdiff_t kOctave = 12 * Salience::kPerSemitone;
    for (const std::ptrdiff_t octave : {-kOctave, kOctave}) *f++ = log_of(around(salience, b + octave)) - own;
    // Peaks at 1/2, 3/2, 5/2 and 1/3 of the fundamental, which it does not explain.
    for (const std::ptrdiff_t other : {-120, 70, 159, -190}) *f++ = log_of(around(peaks, fundamental + other)) - own;
    const float height = (c.pitch - 70) / 12;
    *f++ = height;
    *f++ = height * height;
    // The strongest pitches above and below, and the strongest peak above that is no harmonic of this one.
    float above = 0, below = 0, foreign = 0;
    for (std::size_t i = 0; i < salience.size(); ++i) {
      if (i > bin + 8) above = std::max(above, salience[i]);
      if (i + 8 < bin) below = std::max(below, salience[i]);
    }
    for (std::ptrdiff_t i = 9; fundamental + i < static_cast<std::ptrdiff_t>(peaks.size()) - 2 * kOctave; ++i) {
      bool harmonic = false;
      for (int h = 2; h <= Salience::kHarmonics; ++h) harmonic |= std::abs(i - grid.harmonic(h)) <= 5;
      if (!harmonic) foreign = std::max(foreign, peaks[static_cast<std::size_t>(fundamental + i)]);
    }
    for (const float x : {above, below, foreign}) *f++ = log_of(x) - own;
    const auto frame = [&](int step) {
      const auto last = static_cast<std::ptrdiff_t>(s.frames) - 1;
      return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(t) + step, 0, last));
    };
    for (const int step : {-2, -4, -8, 2, 4, 8}) *f++ = log_of(around(s.salience_at(frame(step)), b)) - own;
    for (const int step : {-4, 4})
      *f++ = log_of(around(s.peaks_at(frame(step)), fundamental)) - log_of(around(peaks, fundamental));
    const Ridge past = follow(s, t, bin, -1), future = follow(s, t, bin, 1);
    *f++ = std::log1p(past.length);
    *f++ = std::log1p(future.length);
    *f++ = log_of(past.beyond) - log_of(past.peak);
    *f++ = log_of(std::max(past.partial_peak, future.partial_peak)) - level;
    *f++ = log_of(std::max(past.peak, future.peak)) - level;
    *f++ = static_cast<float>(std::ranges::count_if(bins, [&](std::size_t other) { return other > bin; }));
    found.push_back(c);
  }
  return found;
}

/// Log odds, up to a constant of the frame, that this candidate is the melody.
float score(const Candidate& c) {
  namespace w = melody_weights;
  float sum = w::kDirectBias;
  for (std::size_t i = 0; i < kFeatures; ++i) sum += w::kDirect[i] * c.features[i];
  for (std::size_t h = 0; h < w::kHidden; ++h) {
    float x = w::kInputBias[h];
    for (std::size_t i = 0; i < kFeatures; ++i) x += w::kInput[h][i] * c.features[i];
    sum += w::kOutput[h] * std::tanh(x);
  }
  return sum;
}

/// A frame as the path sees it.
struct Choice {
  std::vector<float> pitch;      ///< MIDI, of each candidate
  std::vector<float> salience;   ///< of each
  std::vector<float> log_share;  ///< log probability of each if one of them is the melody
  float voiced_odds = 0;         ///< log odds that one is
};

Choice choose(const Stretch& s, std::size_t t, const Salience& grid) {
  namespace w = melody_weights;
  constexpr float kSure = 6;
  Choice choice;
  float greatest = -1e9f, sum = 0;
  for (const Candidate& c : candidates(s, t, grid)) {
    choice.pitch.push_back(c.pitch);
    choice.salience.push_back(c.salience);
    choice.log_share.push_back(score(c));
    greatest = std::max(greatest, choice.log_share.back());
  }
  for (const float x : choice.log_share) sum += std::exp(x - greatest);
  const float all = greatest + std::log(sum + 1e-30f);
  for (float& x : choice.log_share) x -= all;
  const float silence = w::kSilenceEnergy * (s.energy[t] - s.mean_energy) +
                        w::kSilenceSalience * (std::log(s.greatest[t] + 1e-3f) - std::log(s.level + 1e-3f)) +
                        w::kSilenceBias;
  choice.voiced_odds = choice.pitch.empty() ? -kSure : std::clamp(all - silence, -kSure, kSure);
  return choice;
}

/// The pitch of each frame on the likeliest path, whose leaps cost by their size; 0 where a frame has no candidate.
std::vector<float> pitch_path(const std::vector<Choice>& frames) {
  constexpr float kSamePitch = 0.7f, kLeap = 3, kLeapPerSemitone = 0.2f, kFarthest = 24;
  std::vector<std::array<std::uint8_t, kCandidates>> from(frames.size());
  std::vector<float> value, next;
  const std::vector<float>* last_pitch = nullptr;
  for (std::size_t t = 0; t < frames.size(); ++t) {
    const Choice& frame = frames[t];
    if (frame.pitch.empty()) continue;  // the path waits
    next = frame.log_share;
    for (std::size_t k = 0; last_pitch && k < next.size(); ++k) {
      float best = -1e30f;
      for (std::size_t i = 0; i < value.size(); ++i) {
        const float step = std::abs(frame.pitch[k] - (*last_pitch)[i]);
        const float v = value[i] - (step < kSamePitch ? 0 : kLeap + kLeapPerSemitone * std::min(step, kFarthest));
        if (v > best) {
          best = v;
          from[t][k] = static_cast<std::uint8_t>(i);
        }
      }
      next[k] += best;
    }
    const float greatest = std::ranges::max(next);  // so that sums stay small
    for (float& v : next) v -= greatest;
    value.swap(next);
    last_pitch = &frame.pitch;
  }
  std::vector<float> path(frames.size(), 0.0f);
  if (!last_pitch) return path;
  auto state = static_cast<std::size_t>(std::ranges::max_element(value) - value.begin());
  for (std::size_t t = frames.size(); t-- > 0;) {
    if (frames[t].pitch.empty()) continue;
    path[t] = frames[t].pitch[state];
    state = from[t][state];
  }
  return path;
}

/// Where the melody sounds: where its salience, over a tenth of a second to each side, and the learned odds stand out
/// of their own means over the stretch. The means make the judgment one of contrast within the recording: a lone
/// trumpet lies as far from the learned odds as silence does.
std::vector<bool> voicing(const std::vector<Choice>& frames, const std::vector<float>& pitch) {
  constexpr float kOddsWeight = 0.7f, kMostOdds = 1.5f, kBias = 0.3f, kFloor = 1e-3f;  // found on the training split
  constexpr std::size_t kReach = 4;
  const std::size_t n = frames.size();
  std::vector<float> strength(n, 0.0f);
  double strengths = 0, odds = 0;
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t k = 0; k < frames[t].pitch.size(); ++k)
      if (frames[t].pitch[k] == pitch[t]) strength[t] = frames[t].salience[k];
    strengths += strength[t];
    odds += frames[t].voiced_odds;
  }
  const auto sounding = static_cast<double>(std::ranges::count_if(strength, [](float x) { return x > 0; }));
  const auto mean_strength = static_cast<float>(strengths / std::max(sounding, 1.0));
  const auto mean_odds = static_cast<float>(odds / static_cast<double>(n));
  std::vector<bool> voiced(n);
  for (std::size_t t = 0; t < n; ++t) {
    const std::size_t first = t - std::min(t, kReach), last = std::min(n, t + kReach + 1);
    float smooth = 0;
    for (std::size_t i = first; i < last; ++i) smooth += strength[i] / static_cast<float>(last - first);
    const float learned = std::clamp(frames[t].voiced_odds - mean_odds, -kMostOdds, kMostOdds);
    voiced[t] =
        strength[t] > 0 && std::log((smooth + kFloor) / (mean_strength + kFloor)) + kOddsWeight * learned + kBias > 0;
  }
  return voiced;
}

}  // namespace

MelodyTrack predominant_melody(std::span<const float> mono22050) {
  constexpr std::size_t kPiece = 1536, kContext = 256;  // frames
  MelodyTrack track;
  track.hop = static_cast<double>(Salience::kHop) / Salience::kSampleRate;
  Salience salience;
  const std::size_t frames = 1 + mono22050.size() / Salience::kHop;
  for (std::size_t begin = 0; begin < frames; begin += kPiece) {
    const std::size_t end = std::min(frames, begin + kPiece), first = begin - std::min(begin, kContext);
    const Stretch stretch = listen(mono22050, first, std::min(frames, end + kContext), salience);
    std::vector<Choice> choices;
    for (std::size_t t = 0; t < stretch.frames; ++t) choices.push_back(choose(stretch, t, salience));
    const std::vector<float> pitch = pitch_path(choices);
    const std::vector<bool> voiced = voicing(choices, pitch);
    for (std::size_t t = begin - first; t < end - first; ++t)
      track.hz.push_back(voiced[t] && pitch[t] > 0 ? 440 * std::exp2((pitch[t] - 69) / 12) : 0.0f);
  }
  return track;
}

}  // namespace euterpe
