#include "signal/onset.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "signal/median.hpp"

namespace euterpe {
namespace {

void mean_rise(const Matrix& mel_db, std::span<float> out) {
  for (std::size_t m = 0; m < mel_db.bins; ++m) {
    const float* row = mel_db.row(m).data();
    for (std::size_t t = 0; t < out.size(); ++t) out[t] += std::max(0.0f, row[t + 1] - row[t]);
  }
  for (float& v : out) v /= static_cast<float>(mel_db.bins);
}

void median_rise(const Matrix& mel_db, std::span<float> out) {
  // A column's values lie a row apart: as many columns are gathered at once as share a cache line.
  constexpr std::size_t kTile = 16;
  std::vector<float> tile(kTile * mel_db.bins);
  for (std::size_t first = 0; first < out.size(); first += kTile) {
    const std::size_t count = std::min(kTile, out.size() - first);
    for (std::size_t m = 0; m < mel_db.bins; ++m) {
      const float* row = mel_db.row(m).data() + first;
      for (std::size_t i = 0; i < count; ++i) tile[i * mel_db.bins + m] = std::max(0.0f, row[i + 1] - row[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      out[first + i] = median(std::span(tile).subspan(i * mel_db.bins, mel_db.bins));
    }
  }
}

/// x[n − before … n + after), cut where x ends.
std::span<const float> around(std::span<const float> x, std::size_t n, std::size_t before, std::size_t after) {
  const std::size_t first = n > before ? n - before : 0;
  return x.subspan(first, std::min(x.size(), n + after) - first);
}

double mean(std::span<const float> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

std::vector<float> onset_strength(const Matrix& mel_db, std::size_t lead, BandAggregate aggregate) {
  std::vector<float> envelope(mel_db.frames, 0.0f);
  if (mel_db.frames <= lead || lead == 0 || mel_db.bins == 0) return envelope;
  const auto rise = std::span(envelope).subspan(lead);  // the rise into frame t + 1 is heard at t + lead
  aggregate == BandAggregate::mean ? mean_rise(mel_db, rise) : median_rise(mel_db, rise);
  return envelope;
}

PeakPickOptions onset_peak_options(int sample_rate, int hop_length) {
  EUTERPE_ASSERT(sample_rate > 0 && hop_length > 0);
  const auto frames = [&](double seconds) {
    return static_cast<std::size_t>(std::floor(seconds * sample_rate / hop_length));
  };
  return {frames(0.03), 1, frames(0.1), frames(0.1) + 1, frames(0.03), 0.07f};
}

std::vector<std::size_t> peak_pick(std::span<const float> x, const PeakPickOptions& options) {
  EUTERPE_ASSERT(options.post_max > 0 && options.post_avg > 0);
  std::vector<std::size_t> peaks;
  for (std::size_t n = 0; n < x.size(); ++n) {
    if (x[n] == 0 || x[n] < std::ranges::max(around(x, n, options.pre_max, options.post_max))) continue;
    const auto level = static_cast<float>(mean(around(x, n, options.pre_avg, options.post_avg)));
    if (x[n] < level + options.delta) continue;
    if (peaks.empty() || n - peaks.back() > options.wait) peaks.push_back(n);
  }
  return peaks;
}

std::vector<std::size_t> onset_detect(std::span<const float> envelope, const PeakPickOptions& options) {
  if (envelope.empty() || !std::ranges::all_of(envelope, [](float v) { return std::isfinite(v); })) return {};
  std::vector<float> scaled(envelope.begin(), envelope.end());
  const float least = std::ranges::min(scaled);
  for (float& v : scaled) v -= least;
  const float greatest = std::ranges::max(scaled) + std::numeric_limits<float>::min();
  for (float& v : scaled) v /= greatest;
  return peak_pick(scaled, options);
}

std::vector<std::size_t> onset_backtrack(std::span<const std::size_t> events, std::span<const float> energy) {
  std::vector<std::size_t> minima{0};
  for (std::size_t i = 1; i + 1 < energy.size(); ++i) {
    if (energy[i] <= energy[i - 1] && energy[i] < energy[i + 1]) minima.push_back(i);
  }
  std::vector<std::size_t> moved;
  for (const std::size_t event : events) moved.push_back(*std::prev(std::ranges::upper_bound(minima, event)));
  return moved;
}

std::vector<std::size_t> onset_frames(std::span<const float> envelope, double hop_seconds) {
  constexpr double kPeakRadius = 0.03, kMeanRadius = 0.1, kRise = 0.3;
  std::vector<std::size_t> onsets;
  if (envelope.empty()) return onsets;
  double sum = 0, square = 0;
  for (const float v : envelope) {
    sum += static_cast<double>(v);
    square += static_cast<double>(v) * static_cast<double>(v);
  }
  const auto n = static_cast<double>(envelope.size());
  const double level = sum / n;
  const double rise = kRise * std::sqrt(std::max(0.0, square / n - level * level));
  if (rise <= 0) return onsets;
  const auto near = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kPeakRadius / hop_seconds)));
  const auto wide = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kMeanRadius / hop_seconds)));
  for (std::size_t t = 0; t < envelope.size(); ++t) {
    if (envelope[t] < std::ranges::max(around(envelope, t, near, near + 1))) continue;
    if (static_cast<double>(envelope[t]) < mean(around(envelope, t, wide, wide + 1)) + rise) continue;
    if (onsets.empty() || t - onsets.back() > near) onsets.push_back(t);
  }
  return onsets;
}

}  // namespace euterpe
