#include "signal/mel.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "signal/kernels.hpp"
#include "signal/stft_strips.hpp"

namespace euterpe {
namespace {

constexpr double kHzPerMel = 200.0 / 3;  // below the break
constexpr double kBreakHz = 1000;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;  // 27 mels from 1 kHz to 6.4 kHz

/// Calls visit(filter, bin, weight) where the weight is positive, filter by filter.
template <class Visit>
void for_each_weight(int sample_rate, int n_fft, const MelOptions& options, Visit visit) {
  EUTERPE_ASSERT(sample_rate > 0 && n_fft > 0);
  const double fmax = options.fmax > 0 ? options.fmax : sample_rate / 2.0;
  if (options.n_mels < 1 || options.fmin < 0 || options.fmin >= fmax) {
    throw Error(Category::usage, "mel_filterbank",
                std::to_string(options.n_mels) + " bands from " + std::to_string(options.fmin) + " to " +
                    std::to_string(fmax) + " Hz",
                "at least one band is needed, and fmin below fmax");
  }
  const double low = hz_to_mel(options.fmin, options.htk), high = hz_to_mel(fmax, options.htk);
  const auto n = static_cast<std::size_t>(options.n_mels), bins = static_cast<std::size_t>(n_fft) / 2 + 1;
  std::vector<double> edges(n + 2);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    edges[i] = mel_to_hz(low + (high - low) * static_cast<double>(i) / static_cast<double>(n + 1), options.htk);
  }
  const double hz_per_bin = static_cast<double>(sample_rate) / n_fft;
  for (std::size_t m = 0; m < n; ++m) {
    const double scale = options.equal_area ? 2 / (edges[m + 2] - edges[m]) : 1;
    for (auto k = static_cast<std::size_t>(std::max(0.0, edges[m] / hz_per_bin)); k < bins; ++k) {
      const double hz = static_cast<double>(k) * hz_per_bin;
      if (hz >= edges[m + 2]) break;
      const double rise = (hz - edges[m]) / (edges[m + 1] - edges[m]);
      const double fall = (edges[m + 2] - hz) / (edges[m + 2] - edges[m + 1]);
      const double weight = std::min(rise, fall);
      if (weight > 0) visit(m, k, static_cast<float>(scale * weight));
    }
  }
}

}  // namespace

double hz_to_mel(double hz, bool htk) {
  if (htk) return 2595 * std::log10(1 + hz / 700);
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double mel_to_hz(double mel, bool htk) {
  if (htk) return 700 * (std::pow(10, mel / 2595) - 1);
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

Matrix mel_filterbank(int sample_rate, int n_fft, const MelOptions& options) {
  Matrix filters(static_cast<std::size_t>(std::max(options.n_mels, 0)), static_cast<std::size_t>(n_fft) / 2 + 1, 0);
  for_each_weight(sample_rate, n_fft, options,
                  [&](std::size_t m, std::size_t k, float weight) { filters.at(m, k) = weight; });
  return filters;
}

MelFilters::MelFilters(int sample_rate, int n_fft, const MelOptions& options)
    : filters_(static_cast<std::size_t>(std::max(options.n_mels, 0)), Filter{0, 0, 0}) {
  for_each_weight(sample_rate, n_fft, options, [&](std::size_t m, std::size_t k, float weight) {
    Filter& filter = filters_[m];
    if (filter.count == 0) filter = {k, 0, weights_.size()};
    ++filter.count;
    weights_.push_back(weight);
  });
}

void MelFilters::apply(const float* strip, float* mel) const {
  for (const Filter& filter : filters_) {
    kernels::weighted_rows(strip + filter.first * lanes::kLanes, weights_.data() + filter.at, filter.count, mel);
    mel += lanes::kLanes;
  }
}

Matrix MelFilters::apply(const Matrix& power) const {
  Matrix mel(filters_.size(), power.frames, power.hop);
  for (std::size_t m = 0; m < filters_.size(); ++m) {
    const Filter& filter = filters_[m];
    EUTERPE_ASSERT(filter.first + filter.count <= power.bins);
    for (std::size_t i = 0; i < filter.count; ++i) {
      kernels::add_scaled(power.row(filter.first + i).data(), weights_[filter.at + i], mel.row(m).data(), mel.frames);
    }
  }
  return mel;
}

Matrix mel_spectrogram(const Matrix& power, int sample_rate, const MelOptions& options) {
  return MelFilters(sample_rate, static_cast<int>(power.bins - 1) * 2, options).apply(power);
}

Matrix mel_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& stft,
                       const MelOptions& options) {
  StftStrips strips(stft);
  const MelFilters filters(sample_rate, stft.n_fft, options);
  Matrix mel(filters.size(), stft_frames(samples.size(), stft), static_cast<double>(stft.hop_length) / sample_rate);
  std::vector<lanes::Row> strip(filters.size());
  strips.for_each(samples, [&](std::size_t first, std::size_t count) {
    filters.apply(strips.power(), strip.front().value);
    put_strip(strip.front().value, first, count, mel);
  });
  return mel;
}

Matrix power_to_db(Matrix power, double ref, double top_db) {
  constexpr float kFloor = 1e-10f;
  kernels::decibels(power.data.data(), kFloor, power.data.size());
  const auto offset = static_cast<float>(10 * std::log10(std::max(1e-10, ref)));
  const float least = kernels::maximum(power.data.data(), power.data.size()) - offset - static_cast<float>(top_db);
  kernels::subtract_and_limit(power.data.data(), offset, least, power.data.size());
  return power;
}

Matrix amplitude_to_db(Matrix amplitude, double ref, double top_db) {
  kernels::squares(amplitude.data.data(), amplitude.data.data(), amplitude.data.size());
  return power_to_db(std::move(amplitude), ref * ref, top_db);
}

Matrix dct_basis(std::size_t count, std::size_t n) {
  EUTERPE_ASSERT(count > 0 && count <= n);
  Matrix basis(count, n, 0);
  for (std::size_t c = 0; c < count; ++c) {
    const double scale = std::sqrt((c == 0 ? 1.0 : 2.0) / static_cast<double>(n));
    for (std::size_t m = 0; m < n; ++m) {
      const double angle =
          std::numbers::pi * static_cast<double>(c) * (static_cast<double>(m) + 0.5) / static_cast<double>(n);
      basis.at(c, m) = static_cast<float>(scale * std::cos(angle));
    }
  }
  return basis;
}

Matrix mfcc(const Matrix& mel_db, int count) {
  EUTERPE_ASSERT(count > 0 && static_cast<std::size_t>(count) <= mel_db.bins);
  const Matrix basis = dct_basis(static_cast<std::size_t>(count), mel_db.bins);
  Matrix result(basis.bins, mel_db.frames, mel_db.hop);
  for (std::size_t c = 0; c < result.bins; ++c) {
    for (std::size_t m = 0; m < mel_db.bins; ++m) {
      kernels::add_scaled(mel_db.row(m).data(), basis.at(c, m), result.row(c).data(), result.frames);
    }
  }
  return result;
}

}  // namespace euterpe
