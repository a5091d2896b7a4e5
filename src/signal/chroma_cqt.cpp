#include "signal/chroma_cqt.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "signal/chroma.hpp"
#include "signal/cqt.hpp"
#include "signal/kernels.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kBinsPerOctave = 36, kOctaves = 7;

/// Sums of the CQT's bins by pitch class, not normalized.
Matrix fold(const Matrix& cqt, int bins_per_octave, double fmin) {
  EUTERPE_ASSERT(bins_per_octave > 0 && bins_per_octave % 12 == 0 && fmin > 0);
  const auto merge = static_cast<std::size_t>(bins_per_octave / 12);
  const double lowest_pitch = 69 + 12 * std::log2(fmin / 440);
  const auto lowest = static_cast<std::size_t>(std::lround(lowest_pitch - 12 * std::floor(lowest_pitch / 12)));
  Matrix result(12, cqt.frames, cqt.hop);
  for (std::size_t b = 0; b < cqt.bins; ++b) {
    const std::size_t pitch_class = (lowest + (b + merge / 2) / merge) % 12;
    kernels::add_scaled(cqt.row(b).data(), 1.0f, result.row(pitch_class).data(), cqt.frames);
  }
  return result;
}

/// Divides each frame by measure(frame), where that is not 0.
template <class Measure>
void normalize(Matrix& chroma, Measure measure) {
  for (std::size_t t = 0; t < chroma.frames; ++t) {
    std::array<float, 12> frame;
    for (std::size_t c = 0; c < 12; ++c) frame[c] = chroma.at(c, t);
    const float size = measure(frame);
    if (size < std::numeric_limits<float>::min()) continue;
    for (std::size_t c = 0; c < 12; ++c) chroma.at(c, t) /= size;
  }
}

Matrix tuned_chroma(std::span<const float> samples, int sample_rate, int hop_length) {
  Matrix spectrum = power_spectrogram(samples, sample_rate);
  for (float& v : spectrum.data) v = std::sqrt(v);
  const double tuning = estimate_tuning(spectrum, sample_rate, kBinsPerOctave);
  CqtOptions options;
  options.hop_length = hop_length;
  options.n_bins = kOctaves * kBinsPerOctave;
  options.bins_per_octave = kBinsPerOctave;
  options.tuning = tuning;
  return fold(cqt_magnitude(samples, sample_rate, options), kBinsPerOctave, options.fmin);
}

float greatest(const std::array<float, 12>& frame) { return *std::ranges::max_element(frame); }

}  // namespace

Matrix chroma_from_cqt(const Matrix& cqt, int bins_per_octave, double fmin) {
  Matrix result = fold(cqt, bins_per_octave, fmin);
  normalize(result, greatest);
  return result;
}

Matrix chroma_cqt(std::span<const float> samples, int sample_rate, int hop_length) {
  Matrix result = tuned_chroma(samples, sample_rate, hop_length);
  normalize(result, greatest);
  return result;
}

Matrix chroma_cens(std::span<const float> samples, int sample_rate, int hop_length) {
  Matrix shares = tuned_chroma(samples, sample_rate, hop_length);
  normalize(shares, [](const auto& frame) {
    float sum = 0;
    for (const float v : frame) sum += v;
    return sum;
  });
  for (float& v : shares.data) v = 0.25f * static_cast<float>((v > 0.4f) + (v > 0.2f) + (v > 0.1f) + (v > 0.05f));

  constexpr std::ptrdiff_t kReach = 20;  // 41 frames; Hann's zeros at ± 21 are left out
  std::array<float, 2 * kReach + 1> window;
  for (std::ptrdiff_t i = -kReach; i <= kReach; ++i) {
    const double x = std::numbers::pi * static_cast<double>(i) / (kReach + 1);
    window[static_cast<std::size_t>(i + kReach)] = static_cast<float>((0.5 + 0.5 * std::cos(x)) / (kReach + 1));
  }
  Matrix result(12, shares.frames, shares.hop);
  const auto frames = static_cast<std::ptrdiff_t>(shares.frames);
  for (std::size_t c = 0; c < 12; ++c) {
    for (std::ptrdiff_t i = -kReach; i <= kReach; ++i) {
      const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, -i), last = frames - std::max<std::ptrdiff_t>(0, i);
      if (first >= last) continue;
      kernels::add_scaled(shares.row(c).data() + first + i, window[static_cast<std::size_t>(i + kReach)],
                          result.row(c).data() + first, static_cast<std::size_t>(last - first));
    }
  }
  normalize(result, [](const auto& frame) {
    float sum = 0;
    for (const float v : frame) sum += v * v;
    return std::sqrt(sum);
  });
  return result;
}

}  // namespace euterpe
