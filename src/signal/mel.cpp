#include "signal/mel.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "signal/kernels.hpp"

namespace euterpe {
namespace {

constexpr double kHzPerMel = 200.0 / 3;  // below the break
constexpr double kBreakHz = 1000;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;  // 27 mels from 1 kHz to 6.4 kHz

}  // namespace

double hz_to_mel(double hz) { return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep; }

double mel_to_hz(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

Matrix mel_filterbank(int sample_rate, int n_fft, const MelOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0 && n_fft > 0 && options.n_mels > 0);
  const double fmax = options.fmax > 0 ? options.fmax : sample_rate / 2.0;
  const double low = hz_to_mel(options.fmin), high = hz_to_mel(fmax);
  std::vector<double> edges(static_cast<std::size_t>(options.n_mels) + 2);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    edges[i] = mel_to_hz(low + (high - low) * static_cast<double>(i) / static_cast<double>(edges.size() - 1));
  }
  Matrix filters(static_cast<std::size_t>(options.n_mels), static_cast<std::size_t>(n_fft) / 2 + 1, 0);
  for (std::size_t m = 0; m < filters.bins; ++m) {
    const double area = 2 / (edges[m + 2] - edges[m]);
    for (std::size_t k = 0; k < filters.frames; ++k) {
      const double hz = static_cast<double>(k) * sample_rate / n_fft;
      const double rise = (hz - edges[m]) / (edges[m + 1] - edges[m]);
      const double fall = (edges[m + 2] - hz) / (edges[m + 2] - edges[m + 1]);
      filters.at(m, k) = static_cast<float>(area * std::max(0.0, std::min(rise, fall)));
    }
  }
  return filters;
}

Matrix mel_spectrogram(const Matrix& power, int sample_rate, const MelOptions& options) {
  const Matrix filters = mel_filterbank(sample_rate, static_cast<int>(power.bins - 1) * 2, options);
  Matrix mel(filters.bins, power.frames, power.hop);
  for (std::size_t m = 0; m < mel.bins; ++m) {
    for (std::size_t k = 0; k < power.bins; ++k) {
      const float weight = filters.at(m, k);
      if (weight > 0) kernels::add_scaled(power.row(k).data(), weight, mel.row(m).data(), mel.frames);
    }
  }
  return mel;
}

Matrix power_to_db(Matrix power, double ref, double top_db) {
  constexpr float kFloor = 1e-10f;
  kernels::decibels(power.data.data(), kFloor, power.data.size());
  const auto offset = static_cast<float>(10 * std::log10(std::max(1e-10, ref)));
  const float least = kernels::maximum(power.data.data(), power.data.size()) - offset - static_cast<float>(top_db);
  for (float& v : power.data) v = std::max(v - offset, least);
  return power;
}

Matrix mfcc(const Matrix& mel_db, int count) {
  EUTERPE_ASSERT(count > 0 && static_cast<std::size_t>(count) <= mel_db.bins);
  Matrix result(static_cast<std::size_t>(count), mel_db.frames, mel_db.hop);
  const auto n = static_cast<double>(mel_db.bins);
  for (std::size_t c = 0; c < result.bins; ++c) {
    const double scale = std::sqrt((c == 0 ? 1 : 2) / n);
    for (std::size_t m = 0; m < mel_db.bins; ++m) {
      const double angle = std::numbers::pi * static_cast<double>(c) * (static_cast<double>(m) + 0.5) / n;
      kernels::add_scaled(mel_db.row(m).data(), static_cast<float>(scale * std::cos(angle)), result.row(c).data(),
                          result.frames);
    }
  }
  return result;
}

}  // namespace euterpe
