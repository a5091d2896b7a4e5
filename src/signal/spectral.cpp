#include "signal/spectral.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/kernels.hpp"
#include "signal/mel.hpp"
#include "signal/stft_strips.hpp"
#include "signal/vector_math.hpp"

namespace euterpe {
namespace {

using lanes::Frames;
using lanes::kLanes;

EUTERPE_INLINE const Frames* rows_of(const float* strip) { return reinterpret_cast<const Frames*>(strip); }

// Sums of many bins are made of sums of few, so that little is rounded away.
constexpr std::size_t kBlock = 64;

EUTERPE_HOT void moments(const float* magnitude, std::size_t bins, float hz_per_bin, float* total, float* moment) {
  const Frames* rows = rows_of(magnitude);
  Frames sum = {}, weighted = {};
  for (std::size_t begin = 0; begin < bins; begin += kBlock) {
    const std::size_t end = begin + kBlock < bins ? begin + kBlock : bins;
    Frames part = {}, weighted_part = {};
    for (std::size_t b = begin; b < end; ++b) {
      part += rows[b];
      weighted_part += rows[b] * (static_cast<float>(b) * hz_per_bin);
    }
    sum += part;
    weighted += weighted_part;
  }
  *reinterpret_cast<Frames*>(total) = sum;
  *reinterpret_cast<Frames*>(moment) = weighted;
}

EUTERPE_HOT void second_moment(const float* magnitude, std::size_t bins, float hz_per_bin, const float* center,
                               float* total, float* moment) {
  const Frames* rows = rows_of(magnitude);
  const Frames middle = *rows_of(center);
  Frames sum = {}, weighted = {};
  for (std::size_t begin = 0; begin < bins; begin += kBlock) {
    const std::size_t end = begin + kBlock < bins ? begin + kBlock : bins;
    Frames part = {}, weighted_part = {};
    for (std::size_t b = begin; b < end; ++b) {
      const Frames distance = static_cast<float>(b) * hz_per_bin - middle;
      part += rows[b];
      weighted_part += rows[b] * distance * distance;
    }
    sum += part;
    weighted += weighted_part;
  }
  *reinterpret_cast<Frames*>(total) = sum;
  *reinterpret_cast<Frames*>(moment) = weighted;
}

/// Sums in float and in order, as NumPy's cumsum: where a sum comes within rounding of the threshold, another order
/// would find another bin.
EUTERPE_HOT void roll_off(const float* magnitude, std::size_t bins, float hz_per_bin, float percent, float* rolloff) {
  const Frames* rows = rows_of(magnitude);
  Frames total = {};
  for (std::size_t b = 0; b < bins; ++b) total += rows[b];
  const Frames threshold = total * percent;
  Frames sum = {}, below = {};
  for (std::size_t b = 0; b < bins; ++b) {
    sum += rows[b];
    below += sum < threshold ? Frames{} + 1.0f : Frames{};
  }
  *reinterpret_cast<Frames*>(rolloff) = below * hz_per_bin;
}

/// Sum of the logarithms as that of the exponents and the logarithm of products of mantissas: one logarithm for many
/// bins, and whole numbers lose no digits.
EUTERPE_HOT void mean_logs(const float* power, std::size_t bins, float floor, float* logs, float* sums) {
  constexpr std::size_t kBins = 32;  // of mantissas from √½ to √2, so that the product stays within 2^±16
  constexpr float kLn2 = 0.69314718f;
  std::int32_t exponents[kLanes] = {};
  for (std::size_t l = 0; l < kLanes; ++l) logs[l] = sums[l] = 0;
  for (std::size_t begin = 0; begin < bins; begin += kBins) {
    const std::size_t end = begin + kBins < bins ? begin + kBins : bins;
    float product[kLanes], block[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l) {
      product[l] = 1;
      block[l] = 0;
    }
    for (std::size_t b = begin; b < end; ++b) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const float x = power[b * kLanes + l], v = x > floor ? x : floor;
        const auto shifted = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(v) - vector_math::kRootHalf);
        exponents[l] += shifted >> 23;
        product[l] *= std::bit_cast<float>(static_cast<std::uint32_t>(shifted & 0x007fffff) + vector_math::kRootHalf);
        block[l] += v;
      }
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      logs[l] += vector_math::log_of(product[l]);
      sums[l] += block[l];
    }
  }
  for (std::size_t l = 0; l < kLanes; ++l) logs[l] += kLn2 * static_cast<float>(exponents[l]);
}

/// The `count` least and greatest of n rows, lane by lane, by insertion: count is a fiftieth of n.
EUTERPE_HOT void extremes(const float* magnitude, std::size_t n, std::size_t count, float* least, float* greatest,
                          float* low, float* high) {
  const Frames* rows = rows_of(magnitude);
  auto* bottom = reinterpret_cast<Frames*>(least);
  auto* top = reinterpret_cast<Frames*>(greatest);
  const Frames infinity = Frames{} + std::numeric_limits<float>::infinity();
  for (std::size_t k = 0; k < count; ++k) {
    bottom[k] = infinity;
    top[k] = -infinity;
  }
  for (std::size_t i = 0; i < n; ++i) {
    Frames falling = rows[i], rising = rows[i];
    for (std::size_t k = 0; k < count; ++k) {
      const Frames lower = bottom[k], upper = top[k];
      bottom[k] = rising < lower ? rising : lower;
      rising = rising < lower ? lower : rising;
      top[k] = falling > upper ? falling : upper;
      falling = falling > upper ? upper : falling;
    }
  }
  Frames low_sum = {}, high_sum = {};
  for (std::size_t k = 0; k < count; ++k) low_sum += bottom[k];
  for (std::size_t k = count; k-- > 0;) high_sum += top[k];
  *reinterpret_cast<Frames*>(low) = low_sum / static_cast<float>(count);
  *reinterpret_cast<Frames*>(high) = high_sum / static_cast<float>(count);
}

double hz_per_bin(const Matrix& power, int sample_rate) {
  EUTERPE_ASSERT(sample_rate > 0 && power.bins > 1);
  return sample_rate / (2.0 * static_cast<double>(power.bins - 1));
}

/// One value a frame from the magnitudes (or the power) of sixteen frames at a time.
std::vector<float> by_strips(const Matrix& power, bool root,
                             const std::function<void(std::size_t, const float*, float*)>& describe) {
  std::vector<float> result(power.frames);
  std::vector<lanes::Row> magnitude(power.bins);
  for_each_tile(power, [&](std::size_t first, std::size_t count, const float* tile) {
    if (root) {
      kernels::roots(tile, magnitude.front().value, power.bins * kLanes);
      tile = magnitude.front().value;
    }
    lanes::Row values;
    describe(first, tile, values.value);
    std::copy_n(values.value, count, result.begin() + static_cast<std::ptrdiff_t>(first));
  });
  return result;
}

/// The part of frame t, `length` samples about t · hop, that lies within the recording.
std::span<const float> centered_frame(std::span<const float> samples, std::size_t t, int length, int hop) {
  const auto total = static_cast<std::ptrdiff_t>(samples.size());
  const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(t) * hop - length / 2;
  const auto first = std::clamp<std::ptrdiff_t>(begin, 0, total);
  const auto last = std::clamp<std::ptrdiff_t>(begin + length, first, total);
  return samples.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
}

std::vector<float> by_frames(std::span<const float> samples, int length, int hop,
                             float (*describe)(std::span<const float>, int)) {
  EUTERPE_ASSERT(length > 0 && hop > 0);
  std::vector<float> result(samples.size() / static_cast<std::size_t>(hop) + 1);
  for (std::size_t t = 0; t < result.size(); ++t) {
    result[t] = describe(centered_frame(samples, t, length, hop), length);
  }
  return result;
}

EUTERPE_HOT std::size_t sign_changes(const float* x, std::size_t n) {
  constexpr float kThreshold = -1e-10f;
  unsigned changes = 0;
  for (std::size_t i = 1; i < n; ++i) changes += (x[i] < kThreshold) != (x[i - 1] < kThreshold) ? 1u : 0u;
  return changes;
}

}  // namespace

namespace strip {

void spectral_centroid(const float* magnitude, std::size_t bins, double hz_per_bin, float* centroid) {
  lanes::Row total;
  moments(magnitude, bins, static_cast<float>(hz_per_bin), total.value, centroid);
  for (std::size_t l = 0; l < kLanes; ++l) {
    centroid[l] = total.value[l] < std::numeric_limits<float>::min() ? 0 : centroid[l] / total.value[l];
  }
}

void spectral_bandwidth(const float* magnitude, std::size_t bins, double hz_per_bin, const float* centroid,
                        float* bandwidth) {
  lanes::Row total;
  second_moment(magnitude, bins, static_cast<float>(hz_per_bin), centroid, total.value, bandwidth);
  for (std::size_t l = 0; l < kLanes; ++l) {
    bandwidth[l] = total.value[l] < std::numeric_limits<float>::min() ? 0 : std::sqrt(bandwidth[l] / total.value[l]);
  }
}

void spectral_rolloff(const float* magnitude, std::size_t bins, double hz_per_bin, double roll_percent,
                      float* rolloff) {
  roll_off(magnitude, bins, static_cast<float>(hz_per_bin), static_cast<float>(roll_percent), rolloff);
}

void spectral_flatness(const float* power, std::size_t bins, float* flatness) {
  constexpr float kFloor = 1e-10f;
  lanes::Row sum;
  mean_logs(power, bins, kFloor, flatness, sum.value);
  const auto n = static_cast<float>(bins);
  for (std::size_t l = 0; l < kLanes; ++l) flatness[l] = std::exp(flatness[l] / n) / (sum.value[l] / n);
}

Contrast::Contrast(int sample_rate, std::size_t bins, const ContrastOptions& options) {
  const double highest = options.fmin * std::exp2(options.n_bands - 1);
  if (!(options.fmin > 0 && options.n_bands > 0 && options.quantile > 0 && options.quantile < 1) ||
      highest >= sample_rate / 2.0) {
    throw Error(Category::usage, "spectral_contrast",
                std::to_string(options.n_bands) + " octaves above " + std::to_string(options.fmin) + " Hz at " +
                    std::to_string(sample_rate) + " Hz",
                "each octave must begin below half the sample rate, and the quantile lie between 0 and 1");
  }
  const auto bands = static_cast<std::size_t>(options.n_bands) + 1;
  const double hz_per_bin = sample_rate / (2.0 * static_cast<double>(bins - 1));
  std::size_t most = 1;
  for (std::size_t k = 0; k < bands; ++k) {
    const double low = k == 0 ? 0 : options.fmin * std::exp2(static_cast<double>(k) - 1);
    const double high = options.fmin * std::exp2(static_cast<double>(k));
    std::size_t first = bins, last = 0;
    for (std::size_t b = 0; b < bins; ++b) {
      const double hz = static_cast<double>(b) * hz_per_bin;
      if (hz < low || hz > high) continue;
      first = std::min(first, b);
      last = b + 1;
    }
    if (last > 0 && k > 0 && first > 0) --first;  // librosa lets bands overlap by one bin …
    if (k + 1 == bands) last = bins;
    const double share = options.quantile * static_cast<double>(last > first ? last - first : 0);
    if (k + 1 < bands && last > 0) --last;  // … and leaves the last one out after having counted it
    if (last <= first) {
      throw Error(Category::usage, "spectral_contrast",
                  "no frequency bin lies between " + std::to_string(low) + " and " + std::to_string(high) + " Hz",
                  "a longer n_fft or a higher fmin makes room");
    }
    const auto count = std::clamp<std::size_t>(static_cast<std::size_t>(std::nearbyint(share)), 1, last - first);
    bands_.push_back({first, last, count});
    most = std::max(most, count);
  }
  least_.resize(most);
  greatest_.resize(most);
}

void Contrast::peaks_and_valleys(const float* magnitude, float* peak, float* valley) {
  for (const Band& band : bands_) {
    extremes(magnitude + band.first * kLanes, band.last - band.first, band.count, least_.front().value,
             greatest_.front().value, valley, peak);
    peak += kLanes;
    valley += kLanes;
  }
}

Matrix contrast_db(Matrix peak, Matrix valley, double top_db) {
  peak = power_to_db(std::move(peak), 1, top_db);
  valley = power_to_db(std::move(valley), 1, top_db);
  for (std::size_t i = 0; i < peak.data.size(); ++i) peak.data[i] -= valley.data[i];
  return peak;
}

}  // namespace strip

std::vector<float> spectral_centroid(const Matrix& power, int sample_rate) {
  return by_strips(power, true, [&](std::size_t, const float* magnitude, float* out) {
    strip::spectral_centroid(magnitude, power.bins, hz_per_bin(power, sample_rate), out);
  });
}

std::vector<float> spectral_bandwidth(const Matrix& power, int sample_rate, std::span<const float> centroid) {
  EUTERPE_ASSERT(centroid.size() == power.frames);
  return by_strips(power, true, [&](std::size_t first, const float* magnitude, float* out) {
    lanes::Row center;
    std::copy_n(centroid.begin() + static_cast<std::ptrdiff_t>(first), std::min(kLanes, power.frames - first),
                center.value);
    strip::spectral_bandwidth(magnitude, power.bins, hz_per_bin(power, sample_rate), center.value, out);
  });
}

std::vector<float> spectral_rolloff(const Matrix& power, int sample_rate, double roll_percent) {
  return by_strips(power, true, [&](std::size_t, const float* magnitude, float* out) {
    strip::spectral_rolloff(magnitude, power.bins, hz_per_bin(power, sample_rate), roll_percent, out);
  });
}

std::vector<float> spectral_flatness(const Matrix& power) {
  return by_strips(power, false, [&](std::size_t, const float* tile, float* out) {
    strip::spectral_flatness(tile, power.bins, out);
  });
}

Matrix spectral_contrast(const Matrix& power, int sample_rate, const ContrastOptions& options) {
  strip::Contrast contrast(sample_rate, power.bins, options);
  Matrix peak(contrast.size(), power.frames, power.hop), valley(contrast.size(), power.frames, power.hop);
  std::vector<lanes::Row> magnitude(power.bins), high(contrast.size()), low(contrast.size());
  for_each_tile(power, [&](std::size_t first, std::size_t count, const float* tile) {
    kernels::roots(tile, magnitude.front().value, power.bins * kLanes);
    contrast.peaks_and_valleys(magnitude.front().value, high.front().value, low.front().value);
    put_strip(high.front().value, first, count, peak);
    put_strip(low.front().value, first, count, valley);
  });
  return strip::contrast_db(std::move(peak), std::move(valley), options.top_db);
}

float rms_of(std::span<const float> frame, int frame_length) {
  return static_cast<float>(std::sqrt(kernels::sum_of_squares(frame.data(), frame.size()) / frame_length));
}

float zero_crossings_of(std::span<const float> frame, int frame_length) {
  return static_cast<float>(sign_changes(frame.data(), frame.size())) / static_cast<float>(frame_length);
}

std::vector<float> rms(std::span<const float> samples, int frame_length, int hop_length) {
  return by_frames(samples, frame_length, hop_length, rms_of);
}

std::vector<float> zero_crossing_rate(std::span<const float> samples, int frame_length, int hop_length) {
  return by_frames(samples, frame_length, hop_length, zero_crossings_of);
}

}  // namespace euterpe
