#include "signal/resample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBlock = 64;  ///< outputs that are summed together, in registers

/// y[i] += Σ_j taps[j] · x[i + j] for kBlock values of i.
EUTERPE_HOT void correlate(const float* x, const float* taps, std::size_t count, float* y) {
  std::array<float, kBlock> sum;
  for (std::size_t i = 0; i < kBlock; ++i) sum[i] = y[i];
  for (std::size_t j = 0; j < count; ++j) {
    const float a = taps[j];
    for (std::size_t i = 0; i < kBlock; ++i) sum[i] += a * x[i + j];
  }
  for (std::size_t i = 0; i < kBlock; ++i) y[i] = sum[i];
}

/// h[−half … half] of the low-pass at half = 10 · factor, of sum 1.
std::vector<double> low_pass(int factor) {
  constexpr double kBeta = 5.0;
  const int half = 10 * factor;
  std::vector<double> taps;
  double sum = 0;
  for (int i = -half; i <= half; ++i) {
    const double x = std::numbers::pi * i / factor, place = static_cast<double>(i) / half;
    const double window = std::cyl_bessel_i(0, kBeta * std::sqrt(1 - place * place)) / std::cyl_bessel_i(0, kBeta);
    taps.push_back((i == 0 ? 1.0 : std::sin(x) / x) * window);
    sum += taps.back();
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

}  // namespace

std::vector<float> decimate(std::span<const float> samples, int factor) {
  EUTERPE_ASSERT(factor >= 1);
  if (factor == 1) return {samples.begin(), samples.end()};
  const auto step = static_cast<std::size_t>(factor);
  const std::vector<double> taps = low_pass(factor);
  const std::size_t outputs = (samples.size() + step - 1) / step, blocks = (outputs + kBlock - 1) / kBlock;
  std::vector<float> result(blocks * kBlock, 0.0f);

  // Taps k ≡ p (mod factor) see only the samples of phase p, x[m · factor + p], which lie together once picked out. Of
  // phase 0 every tap but the middle one is a zero of the sinc.
  constexpr std::size_t kSide = 10;  // taps to either side within one phase
  std::vector<float> phase(kSide + result.size() + kSide);
  for (std::size_t p = 0; p < step; ++p) {
    std::ranges::fill(phase, 0.0f);
    for (std::size_t m = 0; m * step + p < samples.size(); ++m) phase[kSide + m] = samples[m * step + p];
    // h[p + j · factor] for j = −10 … 9 stands at 10 · factor + p + j · factor = p + (10 + j) · factor.
    std::array<float, 2 * kSide> part;
    for (std::size_t j = 0; j < part.size(); ++j) part[j] = static_cast<float>(taps[p + j * step]);
    const bool middle = p == 0;
    const float* first = phase.data() + (middle ? kSide : 0);
    const float* weights = part.data() + (middle ? kSide : 0);
    for (std::size_t b = 0; b < blocks; ++b) {
      correlate(first + b * kBlock, weights, middle ? 1 : part.size(), result.data() + b * kBlock);
    }
  }
  result.resize(outputs);
  return result;
}

}  // namespace euterpe
