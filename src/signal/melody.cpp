#include "signal/melody.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "signal/melody_candidates.hpp"
#include "signal/melody_weights.hpp"

namespace euterpe {
namespace {

using Salience = MelodySalience;

/// Log odds, up to a constant of the frame, that this candidate is the melody.
float score(const MelodyCandidate& c) {
  namespace w = melody_weights;
  float sum = w::kDirectBias;
  for (std::size_t i = 0; i < kMelodyFeatures; ++i) sum += w::kDirect[i] * c.features[i];
  for (std::size_t h = 0; h < w::kHidden; ++h) {
    float x = w::kInputBias[h];
    for (std::size_t i = 0; i < kMelodyFeatures; ++i) x += w::kInput[h][i] * c.features[i];
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

Choice choose(const MelodyStretch& s, std::size_t t, const Salience& grid) {
  namespace w = melody_weights;
  constexpr float kSure = 6;
  Choice choice;
  float greatest = -1e9f, sum = 0;
  for (const MelodyCandidate& c : melody_candidates(s, t, grid)) {
    choice.pitch.push_back(c.pitch);
    choice.salience.push_back(c.salience);
    choice.log_share.push_back(score(c));
    greatest = std::max(greatest, choice.log_share.back());
  }
  for (const float x : choice.log_share) sum += std::exp(x - greatest);
  const float all = greatest + std::log(sum + 1e-30f);
  for (float& x : choice.log_share) x -= all;
  const std::array<float, 2> loudness = s.loudness(t);
  const float silence = w::kSilenceEnergy * loudness[0] + w::kSilenceSalience * loudness[1] + w::kSilenceBias;
  choice.voiced_odds = choice.pitch.empty() ? -kSure : std::clamp(all - silence, -kSure, kSure);
  return choice;
}

/// The pitch of each frame on the likeliest path, whose leaps cost by their size; 0 where a frame has no candidate.
std::vector<float> pitch_path(const std::vector<Choice>& frames) {
  constexpr float kSamePitch = 0.7f, kLeap = 3, kLeapPerSemitone = 0.2f, kFarthest = 24;
  std::vector<std::array<std::uint8_t, kMelodyCandidates>> from(frames.size());
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
  MelodyTrack track;
  track.hop = static_cast<double>(Salience::kHop) / Salience::kSampleRate;
  Salience salience;
  const std::size_t frames = 1 + mono22050.size() / Salience::kHop;
  for (std::size_t begin = 0; begin < frames; begin += kMelodyPiece) {
    const std::size_t end = std::min(frames, begin + kMelodyPiece), first = begin - std::min(begin, kMelodyContext);
    const MelodyStretch stretch = melody_stretch(mono22050, first, std::min(frames, end + kMelodyContext), salience);
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
