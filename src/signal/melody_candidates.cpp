#include "signal/melody_candidates.hpp"

#include <algorithm>
#include <cmath>

namespace euterpe {
namespace {

using Salience = MelodySalience;

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

Ridge follow(const MelodyStretch& s, std::size_t t, std::size_t bin, int direction) {
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

}  // namespace

std::array<float, 2> MelodyStretch::loudness(std::size_t t) const {
  return {energy[t] - mean_energy, std::log(greatest[t] + 1e-3f) - std::log(level + 1e-3f)};
}

MelodyStretch melody_stretch(std::span<const float> samples, std::size_t begin, std::size_t end, Salience& salience) {
  MelodyStretch s;
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

std::vector<MelodyCandidate> melody_candidates(const MelodyStretch& s, std::size_t t, const Salience& grid) {
  const std::span<const float> salience = s.salience_at(t), peaks = s.peaks_at(t);
  std::vector<std::size_t> bins;
  for (std::size_t b = 1; b + 1 < salience.size(); ++b)
    if (salience[b] > salience[b - 1] && salience[b] >= salience[b + 1]) bins.push_back(b);
  const std::size_t kept = std::min(kMelodyCandidates, bins.size());
  std::ranges::partial_sort(bins, bins.begin() + static_cast<std::ptrdiff_t>(kept),
                            [&](std::size_t a, std::size_t b) { return salience[a] > salience[b]; });
  bins.resize(kept);

  const float floor = 0.02f * s.level + 1e-6f;
  const auto log_of = [&](float x) { return std::log(x + floor); };
  const float level = std::log(s.level + 1e-3f);
  std::vector<MelodyCandidate> found;
  for (const std::size_t bin : bins) {
    const auto b = static_cast<std::ptrdiff_t>(bin), fundamental = b + static_cast<std::ptrdiff_t>(Salience::kOffset);
    MelodyCandidate c;
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

}  // namespace euterpe
