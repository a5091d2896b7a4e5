#include "signal/chroma.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "signal/kernels.hpp"

namespace euterpe {
namespace {

/// Octaves above A0 (27.5 Hz), as librosa.hz_to_octs.
double octaves(double hz, double tuning) { return std::log2(hz / (440.0 * std::exp2(tuning / 12) / 16)); }

struct SpectralPeak {
  float hz, magnitude;
};

/// librosa.piptrack: local maxima above a tenth of their frame's greatest value, refined by a parabola.
std::vector<SpectralPeak> spectral_peaks(const Matrix& spectrum, int sample_rate) {
  constexpr double kLowest = 150, kHighest = 4000;
  constexpr float kThreshold = 0.1f;
  const double hz_per_bin = sample_rate / (2.0 * static_cast<double>(spectrum.bins - 1));
  std::vector<float> reference(spectrum.frames, 0.0f);
  for (std::size_t b = 0; b < spectrum.bins; ++b) {
    const auto row = spectrum.row(b);
    for (std::size_t t = 0; t < spectrum.frames; ++t) reference[t] = std::max(reference[t], row[t]);
  }
  for (float& r : reference) r *= kThreshold;

  std::vector<SpectralPeak> peaks;
  for (std::size_t b = 1; b + 1 < spectrum.bins; ++b) {
    const double hz = static_cast<double>(b) * hz_per_bin;
    if (hz < kLowest || hz >= std::min(kHighest, sample_rate / 2.0)) continue;
    const float* before = spectrum.row(b - 1).data();
    const float* here = spectrum.row(b).data();
    const float* after = spectrum.row(b + 1).data();
    for (std::size_t t = 0; t < spectrum.frames; ++t) {
      const float x = here[t];
      if (!(x > reference[t]) || x <= (before[t] > reference[t] ? before[t] : 0) ||
          x < (after[t] > reference[t] ? after[t] : 0)) {
        continue;
      }
      const float curve = after[t] + before[t] - 2 * x, slope = (after[t] - before[t]) / 2;
      const float shift = std::abs(slope) >= std::abs(curve) ? 0 : -slope / curve;
      peaks.push_back({static_cast<float>((static_cast<double>(b) + static_cast<double>(shift)) * hz_per_bin),
                       x + 0.5f * slope * shift});
    }
  }
  return peaks;
}

float median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

double estimate_tuning(const Matrix& spectrum, int sample_rate, int bins_per_octave) {
  const std::vector<SpectralPeak> peaks = spectral_peaks(spectrum, sample_rate);
  if (peaks.empty()) return 0;
  std::vector<float> magnitudes;
  magnitudes.reserve(peaks.size());
  for (const SpectralPeak& peak : peaks) magnitudes.push_back(peak.magnitude);
  const float threshold = median(std::move(magnitudes));

  std::array<int, 100> counts{};
  for (const SpectralPeak& peak : peaks) {
    if (peak.magnitude < threshold) continue;
    double residual = bins_per_octave * octaves(static_cast<double>(peak.hz), 0);
    residual -= std::floor(residual);
    if (residual >= 0.5) residual -= 1;
    ++counts[std::clamp<std::size_t>(static_cast<std::size_t>((residual + 0.5) * 100), 0, 99)];
  }
  return static_cast<double>(std::ranges::max_element(counts) - counts.begin()) / 100 - 0.5;
}

Matrix chroma_filterbank(int sample_rate, int n_fft, double tuning) {
  constexpr double kCenterOctave = 5, kOctaveWidth = 2;
  const auto bins = static_cast<std::size_t>(n_fft);
  std::vector<double> position(bins + 1);  // in semitones above A0
  for (std::size_t k = 1; k < bins; ++k) {
    position[k] = 12 * octaves(static_cast<double>(k) * sample_rate / n_fft, tuning);
  }
  position[0] = position[1] - 18;
  position[bins] = position[bins - 1] + 1;
  Matrix filters(12, bins / 2 + 1, 0);
  for (std::size_t k = 0; k < filters.frames; ++k) {
    const double width = std::max(position[k + 1] - position[k], 1.0);
    std::array<double, 12> weights;
    double norm = 0;
    for (std::size_t c = 0; c < 12; ++c) {
      double distance = position[k] - static_cast<double>(c) + 6;
      distance -= 12 * std::floor(distance / 12);
      weights[c] = std::exp(-0.5 * std::pow(2 * (distance - 6) / width, 2));
      norm += weights[c] * weights[c];
    }
    norm = std::sqrt(norm);
    const double stress = std::exp(-0.5 * std::pow((position[k] / 12 - kCenterOctave) / kOctaveWidth, 2));
    // Positions count from A; the result begins at C, three semitones higher.
    for (std::size_t c = 0; c < 12; ++c) filters.at((c + 9) % 12, k) = static_cast<float>(weights[c] / norm * stress);
  }
  return filters;
}

Matrix chroma(const Matrix& power, int sample_rate, double tuning) {
  const Matrix filters = chroma_filterbank(sample_rate, static_cast<int>(power.bins - 1) * 2, tuning);
  Matrix result(12, power.frames, power.hop);
  for (std::size_t k = 0; k < power.bins; ++k) {
    for (std::size_t c = 0; c < 12; ++c) {
      const float weight = filters.at(c, k);
      if (weight > 1e-9f) kernels::add_scaled(power.row(k).data(), weight, result.row(c).data(), power.frames);
    }
  }
  for (std::size_t t = 0; t < result.frames; ++t) {
    float largest = 0;
    for (std::size_t c = 0; c < 12; ++c) largest = std::max(largest, result.at(c, t));
    if (largest < std::numeric_limits<float>::min()) continue;
    for (std::size_t c = 0; c < 12; ++c) result.at(c, t) /= largest;
  }
  return result;
}

}  // namespace euterpe
