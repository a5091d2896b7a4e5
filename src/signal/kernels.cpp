#include "signal/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/hot.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

// GCC makes vectors of sqrtf only where errno is off for the whole file, so each width is named here.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
__attribute__((target("arch=x86-64-v4"))) void roots(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(y + i, _mm512_maskz_sqrt_ps(0xffff, _mm512_loadu_ps(x + i)));
  for (; i < n; ++i) y[i] = std::sqrt(x[i]);
}
__attribute__((target("arch=x86-64-v3"))) void roots(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_sqrt_ps(_mm256_loadu_ps(x + i)));
  for (; i < n; ++i) y[i] = std::sqrt(x[i]);
}
__attribute__((target("default")))
#endif
void roots(const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = std::sqrt(x[i]);
}

namespace {

EUTERPE_HOT void prepare_magnitudes(const float* re, const float* im, float* larger, float* radicand, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float a = __builtin_fabsf(re[i]), b = __builtin_fabsf(im[i]);
    const float most = a > b ? a : b, least = a > b ? b : a;
    const float ratio = least / (most > 0 ? most : 1.0f);
    larger[i] = most;
    radicand[i] = ratio * ratio + 1.0f;
  }
}

EUTERPE_HOT void multiply(const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] *= x[i];
}

}  // namespace

void magnitudes(const float* re, const float* im, float* out, std::size_t n) {
  constexpr std::size_t kPiece = 512;
  float radicand[kPiece], root[kPiece];
  for (std::size_t i = 0; i < n; i += kPiece) {
    const std::size_t count = std::min(kPiece, n - i);
    prepare_magnitudes(re + i, im + i, out + i, radicand, count);
    roots(radicand, root, count);
    multiply(root, out + i, count);
  }
}

EUTERPE_HOT void squares(const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * x[i];
}

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
