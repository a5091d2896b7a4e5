#include "evaluate/beat_metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace euterpe {
namespace {

constexpr double kTolerance = 0.175;  ///< of phase and of period, in reference intervals

std::size_t nearest(const std::vector<double>& times, double time) {
  const auto after = std::lower_bound(times.begin(), times.end(), time);
  if (after == times.begin()) return 0;
  const auto i = static_cast<std::size_t>(after - times.begin());
  return after == times.end() || time - times[i - 1] <= times[i] - time ? i - 1 : i;
}

double total_accuracy(const std::vector<double>& reference, const std::vector<double>& estimate) {
  if (reference.size() < 2) return 0;
  std::vector<bool> used(reference.size());
  std::size_t right = 0;
  for (std::size_t m = 0; m < estimate.size(); ++m) {
    const std::size_t n = nearest(reference, estimate[m]);
    if (used[n]) continue;
    // At the very beginning there is only the interval that follows.
    const bool forward = m == 0 || n == 0;
    const std::size_t i = forward && n + 1 < reference.size() ? n + 1 : n;
    const std::size_t j = forward && m + 1 < estimate.size() ? m + 1 : m;
    const double reference_interval = reference[i] - reference[i - 1];
    const double estimate_interval = estimate[j] - estimate[j - 1];
    if (reference_interval <= 0) continue;
    const double phase = std::abs(estimate[m] - reference[n]) / reference_interval;
    const double period = std::abs(1 - estimate_interval / reference_interval);
    if (phase < kTolerance && period < kTolerance) used[n] = true, ++right;
  }
  return static_cast<double>(right) / static_cast<double>(std::max(reference.size(), estimate.size()));
}

}  // namespace

std::vector<double> trim_beats(std::vector<double> beats, double from) {
  std::erase_if(beats, [from](double t) { return t < from; });
  return beats;
}

double beat_f_measure(const std::vector<double>& reference, const std::vector<double>& estimate, double window) {
  if (reference.empty() || estimate.empty()) return 0;
  // Windows of one width: pairing each beat with the first free one that it may have is a greatest matching.
  std::size_t pairs = 0, i = 0, j = 0;
  while (i < reference.size() && j < estimate.size()) {
    const double difference = estimate[j] - reference[i];
    if (std::abs(difference) <= window)
      ++pairs, ++i, ++j;
    else if (difference < 0)
      ++j;
    else
      ++i;
  }
  return 2.0 * static_cast<double>(pairs) / static_cast<double>(reference.size() + estimate.size());
}

BeatContinuity beat_continuity(const std::vector<double>& reference, const std::vector<double>& estimate) {
  if (reference.size() < 2 || estimate.size() < 2) return {};
  std::vector<double> off, twice, odd, even;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    twice.push_back(reference[i]);
    (i % 2 == 0 ? odd : even).push_back(reference[i]);
    if (i + 1 == reference.size()) break;
    off.push_back((reference[i] + reference[i + 1]) / 2);
    twice.push_back(off.back());
  }
  BeatContinuity result;
  result.cmlt = result.amlt = total_accuracy(reference, estimate);
  for (const auto* variation : {&off, &twice, &odd, &even})
    result.amlt = std::max(result.amlt, total_accuracy(*variation, estimate));
  return result;
}

}  // namespace euterpe
