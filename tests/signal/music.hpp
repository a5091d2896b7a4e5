#pragma once
/// Music-like audio made on the spot: chords of decaying partials over a soft noise beat, another piece for each seed.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/random.hpp"
#include "signal/landmarks.hpp"

namespace euterpe::test {

inline std::vector<float> music(std::uint64_t seed, double seconds) {
  Random random(seed);
  std::vector<float> out(static_cast<std::size_t>(seconds * kLandmarkRate), 0.F);
  for (double at = 0; at < seconds; at += random.uniform(0.18, 0.42)) {
    const auto begin = static_cast<std::size_t>(at * kLandmarkRate);
    for (int note = 0; note < 3; ++note) {
      const double pitch = 110 * std::pow(2, static_cast<double>(random.below(36)) / 12);
      const double decay = random.uniform(2, 8);
      for (int partial = 1; partial <= 4; ++partial) {
        // A decaying sine as the two-term recurrence that it obeys.
        const double w = 2 * std::numbers::pi * pitch * partial / kLandmarkRate, r = std::exp(-decay / kLandmarkRate);
        const double a = 2 * r * std::cos(w), b = -r * r;
        double last = 0, now = 0.12 / partial * std::sin(w);
        for (std::size_t i = begin; i < std::min(out.size(), begin + kLandmarkRate * 3 / 5); ++i) {
          out[i] += static_cast<float>(now);
          const double next = a * now + b * last;
          last = now;
          now = next;
        }
      }
    }
    for (std::size_t i = begin; i < std::min(out.size(), begin + 800); ++i)
      out[i] += static_cast<float>(0.05 * random.normal());
  }
  return out;
}

inline std::vector<float> with_noise(std::vector<float> x, double snr_db, std::uint64_t seed) {
  double power = 0;
  for (const float v : x) power += double{v} * v;
  const double level = std::sqrt(power / static_cast<double>(x.size()) * std::pow(10, -snr_db / 10));
  Random random(seed);
  for (float& v : x) v += static_cast<float>(level * random.normal());
  return x;
}

inline std::vector<float> excerpt(const std::vector<float>& x, double begin, double seconds) {
  const auto first = x.begin() + static_cast<std::ptrdiff_t>(begin * kLandmarkRate);
  return {first, first + static_cast<std::ptrdiff_t>(seconds * kLandmarkRate)};
}

}  // namespace euterpe::test
