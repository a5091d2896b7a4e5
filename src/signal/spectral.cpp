#include "signal/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/kernels.hpp"
#include "signal/mel.hpp"

namespace euterpe {
namespace {

float bin_hz(const Matrix& power, std::size_t bin, int sample_rate) {
  return static_cast<float>(static_cast<double>(bin) * sample_rate / (2.0 * static_cast<double>(power.bins - 1)));
}

std::vector<float> total_magnitude(const Matrix& power) {
  std::vector<float> total(power.frames, 0.0f);
  for (std::size_t b = 0; b < power.bins; ++b) {
    kernels::add_scaled_root(power.row(b).data(), 1, total.data(), power.frames);
  }
  return total;
}

EUTERPE_HOT void roll_off(const float* power, float hz, const float* threshold, float* sum, float* result,
                          std::size_t n) {
  for (std::size_t t = 0; t < n; ++t) {
    sum[t] += __builtin_sqrtf(power[t]);
    result[t] = result[t] < 0 && sum[t] >= threshold[t] ? hz : result[t];
  }
}

/// Means of the `count` least and greatest of values[0 … n), by insertion: count is a fiftieth of n.
struct Extremes {
  float low = 0, high = 0;
};
Extremes mean_extremes(const float* values, std::size_t n, std::size_t count) {
  constexpr std::size_t kMost = 64;
  EUTERPE_ASSERT(count > 0 && count <= kMost && count <= n);
  float least[kMost], greatest[kMost];
  std::fill_n(least, count, std::numeric_limits<float>::infinity());
  std::fill_n(greatest, count, -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < n; ++i) {
    const float v = values[i];
    if (v < least[count - 1]) {
      std::size_t k = count - 1;
      for (; k > 0 && least[k - 1] > v; --k) least[k] = least[k - 1];
      least[k] = v;
    }
    if (v > greatest[count - 1]) {
      std::size_t k = count - 1;
      for (; k > 0 && greatest[k - 1] < v; --k) greatest[k] = greatest[k - 1];
      greatest[k] = v;
    }
  }
  Extremes result;
  for (std::size_t k = 0; k < count; ++k) {  // of the power; the contrast is of the magnitude
    result.low += std::sqrt(least[k]);
    result.high += std::sqrt(greatest[k]);
  }
  result.low /= static_cast<float>(count);
  result.high /= static_cast<float>(count);
  return result;
}

}  // namespace

std::vector<float> spectral_centroid(const Matrix& power, int sample_rate) {
  std::vector<float> moment(power.frames, 0.0f);
  for (std::size_t b = 0; b < power.bins; ++b) {
    kernels::add_scaled_root(power.row(b).data(), bin_hz(power, b, sample_rate), moment.data(), power.frames);
  }
  const std::vector<float> total = total_magnitude(power);
  for (std::size_t t = 0; t < power.frames; ++t) {
    moment[t] = total[t] < std::numeric_limits<float>::min() ? 0 : moment[t] / total[t];
  }
  return moment;
}

std::vector<float> spectral_bandwidth(const Matrix& power, int sample_rate, std::span<const float> centroid) {
  EUTERPE_ASSERT(centroid.size() == power.frames);
  std::vector<float> moment(power.frames, 0.0f);
  for (std::size_t b = 0; b < power.bins; ++b) {
    kernels::add_root_moment(power.row(b).data(), bin_hz(power, b, sample_rate), centroid.data(), moment.data(),
                             power.frames);
  }
  const std::vector<float> total = total_magnitude(power);
  for (std::size_t t = 0; t < power.frames; ++t) {
    moment[t] = total[t] < std::numeric_limits<float>::min() ? 0 : std::sqrt(moment[t] / total[t]);
  }
  return moment;
}

std::vector<float> spectral_rolloff(const Matrix& power, int sample_rate, double roll_percent) {
  std::vector<float> threshold = total_magnitude(power);
  for (float& t : threshold) t *= static_cast<float>(roll_percent);
  std::vector<float> sum(power.frames, 0.0f), result(power.frames, -1.0f);
  for (std::size_t b = 0; b < power.bins; ++b) {
    roll_off(power.row(b).data(), bin_hz(power, b, sample_rate), threshold.data(), sum.data(), result.data(),
             power.frames);
  }
  return result;
}

std::vector<float> spectral_flatness(const Matrix& power) {
  constexpr float kFloor = 1e-10f;
  std::vector<float> logs(power.frames, 0.0f), sum(power.frames, 0.0f);
  for (std::size_t b = 0; b < power.bins; ++b) {
    const auto row = power.row(b);
    kernels::add_log(row.data(), kFloor, logs.data(), power.frames);
    for (std::size_t t = 0; t < power.frames; ++t) sum[t] += std::max(row[t], kFloor);
  }
  const auto n = static_cast<float>(power.bins);
  for (std::size_t t = 0; t < power.frames; ++t) logs[t] = std::exp(logs[t] / n) / (sum[t] / n);
  return logs;
}

Matrix spectral_contrast(const Matrix& power, int sample_rate) {
  constexpr std::size_t kBands = 7;
  constexpr double kLowest = 200, kQuantile = 0.02;
  struct Band {
    std::size_t first = 0, last = 0, count = 1;  // bins [first, last)
  };
  std::vector<Band> bands;
  for (std::size_t k = 0; k < kBands; ++k) {
    const double low = k == 0 ? 0 : kLowest * std::exp2(static_cast<double>(k) - 1);
    const double high = kLowest * std::exp2(static_cast<double>(k));
    Band band{power.bins, 0, 1};
    for (std::size_t b = 0; b < power.bins; ++b) {
      const double hz = static_cast<double>(b) * sample_rate / (2.0 * static_cast<double>(power.bins - 1));
      if (hz < low || hz > high) continue;
      band.first = std::min(band.first, b);
      band.last = b + 1;
    }
    if (band.last == 0) break;  // the band lies above half the sample rate
    if (k > 0) --band.first;    // librosa lets bands overlap by one bin …
    if (k + 1 == kBands) band.last = power.bins;
    band.count = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::nearbyint(kQuantile * static_cast<double>(band.last - band.first))));
    if (k + 1 < kBands) --band.last;  // … and leaves the last one out after having counted it
    bands.push_back(band);
  }
  Matrix peak(kBands, power.frames, power.hop), valley(kBands, power.frames, power.hop);
  constexpr std::size_t kTile = 16;  // frames copied at once so that each is contiguous
  std::vector<float> tile(kTile * power.bins);
  for (std::size_t first = 0; first < power.frames; first += kTile) {
    const std::size_t count = std::min(kTile, power.frames - first);
    for (std::size_t b = 0; b < power.bins; ++b) {
      const float* row = power.row(b).data() + first;
      for (std::size_t i = 0; i < count; ++i) tile[i * power.bins + b] = row[i];
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < bands.size(); ++k) {
        const Extremes found = mean_extremes(tile.data() + i * power.bins + bands[k].first,
                                             bands[k].last - bands[k].first, bands[k].count);
        peak.at(k, first + i) = found.high;
        valley.at(k, first + i) = found.low;
      }
    }
  }
  peak = power_to_db(std::move(peak));
  valley = power_to_db(std::move(valley));
  for (std::size_t i = 0; i < peak.data.size(); ++i) peak.data[i] -= valley.data[i];
  return peak;
}

std::vector<float> rms(std::span<const float> samples, int frame_length, int hop_length) {
  const auto half = static_cast<std::ptrdiff_t>(frame_length) / 2, hop = static_cast<std::ptrdiff_t>(hop_length);
  const auto total = static_cast<std::ptrdiff_t>(samples.size());
  std::vector<float> result(samples.size() / static_cast<std::size_t>(hop) + 1);
  for (std::size_t t = 0; t < result.size(); ++t) {
    const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(t) * hop - half;
    const auto first = std::clamp<std::ptrdiff_t>(begin, 0, total);
    const auto last = std::clamp<std::ptrdiff_t>(begin + frame_length, first, total);
    const double energy = kernels::sum_of_squares(samples.data() + first, static_cast<std::size_t>(last - first));
    result[t] = static_cast<float>(std::sqrt(energy / frame_length));
  }
  return result;
}

std::vector<float> zero_crossing_rate(std::span<const float> samples, int frame_length, int hop_length) {
  constexpr float kThreshold = 1e-10f;
  // crossings[i]: sign changes between neighbors up to sample i, so that a frame is one subtraction
  std::vector<std::uint32_t> crossings(samples.size() + 1, 0);
  for (std::size_t i = 1; i < samples.size(); ++i) {
    crossings[i] = crossings[i - 1] + ((samples[i] < -kThreshold) != (samples[i - 1] < -kThreshold) ? 1 : 0);
  }
  const auto half = static_cast<std::ptrdiff_t>(frame_length) / 2, hop = static_cast<std::ptrdiff_t>(hop_length);
  const auto last_sample = static_cast<std::ptrdiff_t>(samples.size()) - 1;
  std::vector<float> result(samples.size() / static_cast<std::size_t>(hop) + 1, 0.0f);
  if (samples.empty()) return result;
  for (std::size_t t = 0; t < result.size(); ++t) {
    const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(t) * hop - half;
    const auto first = std::clamp<std::ptrdiff_t>(begin, 0, last_sample);
    const auto last = std::clamp<std::ptrdiff_t>(begin + frame_length - 1, first, last_sample);
    const std::uint32_t count = crossings[static_cast<std::size_t>(last)] - crossings[static_cast<std::size_t>(first)];
    result[t] = static_cast<float>(count) / static_cast<float>(frame_length);
  }
  return result;
}

}  // namespace euterpe
