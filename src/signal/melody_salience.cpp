#include "signal/melody_salience.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/hot.hpp"

namespace euterpe {
namespace {

/// Found on songs of the training split as what brings the melody among the first candidates most often.
constexpr double kHarmonicDecay = 0.8;  ///< weight of a harmonic over that of the one below
constexpr double kCompression = 0.5;  ///< exponent of a peak's magnitude, so that loud partials do not drown soft ones
constexpr double kWhitening = 0.45;  ///< exponent of the level around a peak that divides it: the high count as the low
constexpr double kFloor = 1e-3;      ///< peaks 60 dB below the greatest are noise
constexpr float kSilence = 1e-6f;    ///< and so is what is this small, full scale being 1

EUTERPE_HOT void add_scaled_row(const float* x, float a, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

}  // namespace

MelodySalience::MelodySalience()
    : fft_(kFrameLength),
      window_(hann_window(kFrameLength)),
      frame_(kFrameLength),
      magnitude_(kFrameLength / 2 + 1),
      spectrum_(kFrameLength / 2 + 1),
      sum_(kFrameLength / 2 + 2) {
  for (int h = 1; h <= kHarmonics; ++h) {
    shift_.push_back(std::lround(12 * kPerSemitone * std::log2(h)));
    weight_.push_back(static_cast<float>(std::pow(kHarmonicDecay, h - 1)));
  }
}

float MelodySalience::analyze(std::span<const float> samples, std::size_t center, std::span<float> peaks,
                              std::span<float> salience) {
  constexpr std::size_t kHalf = kFrameLength / 2;
  for (std::size_t i = 0; i < frame_.size(); ++i) {
    const std::size_t at = center + i;
    const float x = at >= kHalf && at - kHalf < samples.size() ? samples[at - kHalf] : 0.0f;
    frame_[i] = std::isfinite(x) ? std::clamp(x, -100.0f, 100.0f) * window_[i] : 0.0f;
  }
  fft_.forward(frame_.data(), spectrum_.data());
  double energy = 0;
  for (std::size_t k = 0; k < spectrum_.size(); ++k) {
    magnitude_[k] = std::abs(spectrum_[k]) * (4.0f / kFrameLength);
    sum_[k + 1] = sum_[k] + magnitude_[k];
    energy += static_cast<double>(magnitude_[k]) * magnitude_[k];
  }
  find_peaks(peaks);
  std::ranges::fill(salience, 0.0f);
  for (std::size_t h = 0; h < shift_.size(); ++h) {
    const std::size_t from = kOffset + static_cast<std::size_t>(shift_[h]);
    add_scaled_row(&peaks[from], weight_[h], salience.data(), std::min(kBins, kPeakBins - from));
  }
  return static_cast<float>(std::log(energy + 1e-9));
}

void MelodySalience::find_peaks(std::span<float> peaks) const {
  constexpr double kBinHz = static_cast<double>(kSampleRate) / kFrameLength, kSpread = 5;  // bins of 10 cents
  std::ranges::fill(peaks, 0.0f);
  const float floor = std::max(std::ranges::max(magnitude_) * static_cast<float>(kFloor), kSilence);
  const auto begin = static_cast<std::size_t>(40 / kBinHz) + 1, end = static_cast<std::size_t>(9000 / kBinHz);
  for (std::size_t k = begin; k < end; ++k) {
    if (!(magnitude_[k] > magnitude_[k - 1] && magnitude_[k] >= magnitude_[k + 1] && magnitude_[k] > floor)) continue;
    // The lobe of the window is near a parabola in the logarithm.
    const double a = std::log(magnitude_[k - 1] + 1e-9), b = std::log(magnitude_[k] + 1e-9),
                 c = std::log(magnitude_[k + 1] + 1e-9);
    const double shift = std::clamp(0.5 * (a - c) / (a - 2 * b + c - 1e-12), -0.5, 0.5);
    const double magnitude = std::exp(b - 0.25 * (a - c) * shift);
    const std::size_t around = k / 3 + 12, low = k - std::min(k, around),
                      high = std::min(magnitude_.size(), k + around + 1);
    const double level = (sum_[high] - sum_[low]) / static_cast<double>(high - low) + 1e-5;
    const double height = std::pow(magnitude, kCompression) * std::pow(level, -kWhitening);
    const double hz = (static_cast<double>(k) + shift) * kBinHz;
    const double at = (12 * std::log2(hz / 440) + 69 - kLowestPeak) * kPerSemitone;
    const auto first = static_cast<std::size_t>(std::max(0.0, std::ceil(at - kSpread)));
    for (std::size_t i = first; i < kPeakBins && static_cast<double>(i) < at + kSpread; ++i) {
      const double near = std::cos((static_cast<double>(i) - at) / kSpread * std::numbers::pi / 2);
      peaks[i] = std::max(peaks[i], static_cast<float>(height * near * near));
    }
  }
}

}  // namespace euterpe
