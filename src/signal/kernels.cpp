#include "signal/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hot.hpp"
#include "signal/lanes.hpp"
#include "signal/vector_math.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace euterpe::kernels {
namespace {

// GCC makes vectors of sqrtf only where errno is off for the whole file, so each width is named here. (Callers must see
// all three: another file would be given the last.)
#if EUTERPE_HAS_CLONES
__attribute__((target("arch=x86-64-v4"))) void each_root(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(y + i, _mm512_maskz_sqrt_ps(0xffff, _mm512_loadu_ps(x + i)));
  for (; i < n; ++i) y[i] = std::sqrt(x[i]);
}
__attribute__((target("arch=x86-64-v3"))) void each_root(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_sqrt_ps(_mm256_loadu_ps(x + i)));
  for (; i < n; ++i) y[i] = std::sqrt(x[i]);
}
__attribute__((target("default")))
#endif
void each_root(const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = std::sqrt(x[i]);
}

constexpr float kTiny = std::numeric_limits<float>::min();  // makes the ratio of silence 0

EUTERPE_HOT void prepare_magnitudes(const float* re, const float* im, float* larger, float* radicand, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float a = __builtin_fabsf(re[i]), b = __builtin_fabsf(im[i]);
    const float most = a > b ? a : b, least = a > b ? b : a;
    const float ratio = least / (most > kTiny ? most : kTiny);
    larger[i] = most;
    radicand[i] = ratio * ratio + 1.0f;
  }
}

EUTERPE_HOT void multiply(const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] *= x[i];
}

}  // namespace

void roots(const float* x, float* y, std::size_t n) { each_root(x, y, n); }

void magnitudes(const float* re, const float* im, float* out, std::size_t n) {
  constexpr std::size_t kPiece = 512;
  float radicand[kPiece], root[kPiece];
  for (std::size_t i = 0; i < n; i += kPiece) {
    const std::size_t count = std::min(kPiece, n - i);
    prepare_magnitudes(re + i, im + i, out + i, radicand, count);
    each_root(radicand, root, count);
    multiply(root, out + i, count);
  }
}

EUTERPE_HOT void squares(const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * x[i];
}

EUTERPE_HOT void add_scaled(const float* x, float a, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

EUTERPE_HOT void decibels(float* x, float floor, std::size_t n) {
  constexpr float kDecibelsPerNeper = 4.3429448f;
  for (std::size_t i = 0; i < n; ++i) x[i] = kDecibelsPerNeper * vector_math::log_of(x[i] > floor ? x[i] : floor);
}

EUTERPE_HOT void weighted_rows(const float* strip, const float* weights, std::size_t n, float* out) {
  const auto* rows = reinterpret_cast<const lanes::Frames*>(strip);
  lanes::Frames sum = {};
  for (std::size_t k = 0; k < n; ++k) sum += rows[k] * weights[k];
  *reinterpret_cast<lanes::Frames*>(out) = sum;
}

EUTERPE_HOT void subtract_and_limit(float* x, float offset, float least, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float v = x[i] - offset;
    x[i] = v > least ? v : least;
  }
}

EUTERPE_HOT float maximum(const float* x, std::size_t n) {
  constexpr std::size_t kLanes = 16;  // separate maxima, for the compiler may not change the order of one
  float lanes[kLanes];
  for (float& lane : lanes) lane = -std::numeric_limits<float>::infinity();
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
  }
  float result = -std::numeric_limits<float>::infinity();
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  for (const float lane : lanes) result = lane > result ? lane : result;
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
