#include "signal/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/hot.hpp"

namespace euterpe::kernels {
namespace {

/// ln x for normal x > 0: x = 2^e · m with m in [√½, √2), ln m = 2 artanh((m − 1)/(m + 1)) by its series. Unlike
/// std::log it has no branch, so that the loops around it become vectors.
inline __attribute__((always_inline)) float log_of(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto shifted = static_cast<std::int32_t>(bits - 0x3f3504f3u);  // the bits of √½
  const float e = static_cast<float>(shifted >> 23);
  const auto mantissa = static_cast<std::uint32_t>(shifted & 0x007fffff) + 0x3f3504f3u;
  const float m = std::bit_cast<float>(mantissa);
  const float s = (m - 1.0f) / (m + 1.0f), z = s * s;
  const float series = 1.0f + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
  return e * 0.69314718f + 2.0f * s * series;
}

}  // namespace

EUTERPE_HOT void add_scaled(const float* x, float a, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

EUTERPE_HOT void add_scaled_root(const float* x, float a, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * __builtin_sqrtf(x[i]);
}

EUTERPE_HOT void add_root_moment(const float* x, float a, const float* c, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += __builtin_sqrtf(x[i]) * (a - c[i]) * (a - c[i]);
}

EUTERPE_HOT void add_log(const float* x, float floor, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += log_of(x[i] > floor ? x[i] : floor);
}

EUTERPE_HOT void decibels(float* x, float floor, std::size_t n) {
  constexpr float kDecibelsPerNeper = 4.3429448f;
  for (std::size_t i = 0; i < n; ++i) x[i] = kDecibelsPerNeper * log_of(x[i] > floor ? x[i] : floor);
}

float maximum(const float* x, std::size_t n) {
  float result = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < n; ++i) result = std::max(result, x[i]);
  return result;
}

EUTERPE_HOT double dot(const float* x, const float* y, std::size_t n) {
  double lanes[8] = {};  // separate sums, for the compiler may not change the order of one
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) lanes[k] += static_cast<double>(x[i + k]) * static_cast<double>(y[i + k]);
  }
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  for (const double lane : lanes) sum += lane;
  return sum;
}

double sum_of_squares(const float* x, std::size_t n) { return dot(x, x, n); }

}  // namespace euterpe::kernels
