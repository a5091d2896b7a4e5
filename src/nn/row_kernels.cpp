#include "nn/row_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hot.hpp"
#include "nn/fast_exp.hpp"
#include "nn/transformer.hpp"

// Inlined into every clone of its caller, whatever vectors that clone has.
#define EUTERPE_INLINE [[gnu::always_inline]] inline

namespace euterpe {
namespace {

constexpr int kLanes = 16;

EUTERPE_INLINE float silu_slope(float x, float sigmoid) { return sigmoid * (1 + x * (1 - sigmoid)); }

EUTERPE_INLINE float load(const float* x, std::int64_t i) { return x[i]; }
EUTERPE_INLINE float load(const Bf16* x, std::int64_t i) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x[i]) << 16);
}
EUTERPE_INLINE void store(float* y, std::int64_t i, float value) { y[i] = value; }
/// To the nearest, ties to even.
EUTERPE_INLINE void store(Bf16* y, std::int64_t i, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  y[i] = static_cast<Bf16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Σ over lanes that the compiler may keep in one register: no reordering rule has to be relaxed.
template <class Term>
EUTERPE_INLINE float lane_sum(std::int64_t n, Term&& term) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
  float sum = 0;
  for (; i < n; ++i) sum += term(i);
  for (float lane : lanes) sum += lane;
  return sum;
}

EUTERPE_INLINE float largest(const float* x, std::int64_t n) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, -INFINITY);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
  float out = -INFINITY;
  for (; i < n; ++i) out = std::max(out, x[i]);
  for (float lane : lanes) out = std::max(out, lane);
  return out;
}

/// s becomes exp(s − shift); returns the sum.
EUTERPE_INLINE float exp_and_sum(float* s, float shift, std::int64_t n) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) {
      s[i + k] = fast_exp(s[i + k] - shift);
      lanes[k] += s[i + k];
    }
  float sum = 0;
  for (; i < n; ++i) sum += s[i] = fast_exp(s[i] - shift);
  for (float lane : lanes) sum += lane;
  return sum;
}

template <class Out>
EUTERPE_INLINE void norm(const float* x, const float* weight, Out* y, float* scale, std::int64_t rows, std::int64_t d) {
  for (std::int64_t r = 0; r < rows; ++r, x += d, y += d) {
    const float square = lane_sum(d, [&](std::int64_t i) { return x[i] * x[i]; });
    const float s = 1.0f / std::sqrt(square / static_cast<float>(d) + static_cast<float>(kNormEpsilon));
    scale[r] = s;
    for (std::int64_t i = 0; i < d; ++i) store(y, i, x[i] * s * weight[i]);
  }
}

template <class In>
EUTERPE_INLINE void norm_gradient(const In* dy, const float* x, const float* weight, const float* scale, float* dx,
                                  float* dweight, std::int64_t rows, std::int64_t d) {
  for (std::int64_t r = 0; r < rows; ++r, x += d, dy += d, dx += d) {
    const float s = scale[r];
    const float along = lane_sum(d, [&](std::int64_t i) { return load(dy, i) * weight[i] * x[i]; });
    const float pull = along * s * s / static_cast<float>(d);
    for (std::int64_t i = 0; i < d; ++i) dx[i] = s * (load(dy, i) * weight[i] - x[i] * pull);
    for (std::int64_t i = 0; i < d; ++i) dweight[i] += load(dy, i) * x[i] * s;
  }
}

template <class T>
EUTERPE_INLINE void swiglu(const T* g, T* y, std::int64_t rows, std::int64_t ff) {
  for (std::int64_t r = 0; r < rows; ++r, g += 2 * ff, y += ff)
    for (std::int64_t i = 0; i < ff; ++i) {
      const float x = load(g, i);
      store(y, i, x / (1 + fast_exp(-x)) * load(g, i + ff));
    }
}

template <class T>
EUTERPE_INLINE void swiglu_gradient(const T* dy, const T* g, T* dg, std::int64_t rows, std::int64_t ff) {
  for (std::int64_t r = 0; r < rows; ++r, g += 2 * ff, dg += 2 * ff, dy += ff)
    for (std::int64_t i = 0; i < ff; ++i) {
      const float x = load(g, i), above = load(dy, i), sigmoid = 1 / (1 + fast_exp(-x));
      store(dg, i + ff, above * x * sigmoid);
      store(dg, i, above * load(g, i + ff) * silu_slope(x, sigmoid));
    }
}

template <class In, class Out>
EUTERPE_INLINE void drop(const In* x, const float* add, Out* y, std::uint64_t key, double rate, std::uint32_t first,
                         std::int64_t n) {
  const auto threshold = static_cast<std::uint32_t>(rate * 4294967296.0);
  const auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  const float keep = static_cast<float>(1 / (1 - rate));
  for (std::int64_t i = 0; i < n; ++i) {
    // A 32-bit mixer of the element's number: three multiplications, sixteen elements at a time.
    std::uint32_t h = (first + static_cast<std::uint32_t>(i)) * 0x9e3779b9u + low;
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = ((h ^ (h >> 15)) + high) * 0x846ca68bu;
    h ^= h >> 16;
    store(y, i, (h < threshold ? 0.0f : load(x, i) * keep) + (add ? add[i] : 0.0f));
  }
}

template <class In>
EUTERPE_INLINE void rotate(const In* x, std::int64_t stride, const float* cosine, const float* sine, float scale,
                           float* out, std::int64_t rows, std::int64_t half) {
  for (std::int64_t r = 0; r < rows; ++r, x += stride, cosine += half, sine += half, out += 2 * half)
    for (std::int64_t i = 0; i < half; ++i) {
      const float a = load(x, i), b = load(x, i + half);
      out[i] = (a * cosine[i] - b * sine[i]) * scale;
      out[i + half] = (b * cosine[i] + a * sine[i]) * scale;
    }
}

template <class Out>
EUTERPE_INLINE void rotate_back(const float* x, const float* cosine, const float* sine, float scale, Out* out,
                                std::int64_t stride, std::int64_t rows, std::int64_t half) {
  for (std::int64_t r = 0; r < rows; ++r, x += 2 * half, cosine += half, sine += half, out += stride)
    for (std::int64_t i = 0; i < half; ++i) {
      store(out, i, (x[i] * cosine[i] + x[i + half] * sine[i]) * scale);
      store(out, i + half, (x[i + half] * cosine[i] - x[i] * sine[i]) * scale);
    }
}

}  // namespace

EUTERPE_HOT void widen_row(const Bf16* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = load(x, i);
}

EUTERPE_HOT void narrow_row(const float* x, Bf16* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) store(y, i, x[i]);
}

EUTERPE_HOT void norm_rows(const float* x, const float* weight, float* y, float* scale, std::int64_t rows,
                           std::int64_t d) {
  norm(x, weight, y, scale, rows, d);
}

EUTERPE_HOT void norm_rows(const float* x, const float* weight, Bf16* y, float* scale, std::int64_t rows,
                           std::int64_t d) {
  norm(x, weight, y, scale, rows, d);
}

EUTERPE_HOT void norm_rows_gradient(const float* dy, const float* x, const float* weight, const float* scale, float* dx,
                                    float* dweight, std::int64_t rows, std::int64_t d) {
  norm_gradient(dy, x, weight, scale, dx, dweight, rows, d);
}

EUTERPE_HOT void norm_rows_gradient(const Bf16* dy, const float* x, const float* weight, const float* scale, float* dx,
                                    float* dweight, std::int64_t rows, std::int64_t d) {
  norm_gradient(dy, x, weight, scale, dx, dweight, rows, d);
}

EUTERPE_HOT void swiglu_rows(const float* g, float* y, std::int64_t rows, std::int64_t ff) { swiglu(g, y, rows, ff); }

EUTERPE_HOT void swiglu_rows(const Bf16* g, Bf16* y, std::int64_t rows, std::int64_t ff) { swiglu(g, y, rows, ff); }

EUTERPE_HOT void swiglu_rows_gradient(const float* dy, const float* g, float* dg, std::int64_t rows, std::int64_t ff) {
  swiglu_gradient(dy, g, dg, rows, ff);
}

EUTERPE_HOT void swiglu_rows_gradient(const Bf16* dy, const Bf16* g, Bf16* dg, std::int64_t rows, std::int64_t ff) {
  swiglu_gradient(dy, g, dg, rows, ff);
}

EUTERPE_HOT void drop_row(const float* x, const float* add, float* y, std::uint64_t key, double rate,
                          std::uint32_t first, std::int64_t n) {
  drop(x, add, y, key, rate, first, n);
}

EUTERPE_HOT void drop_row(const Bf16* x, const float* add, float* y, std::uint64_t key, double rate,
                          std::uint32_t first, std::int64_t n) {
  drop(x, add, y, key, rate, first, n);
}

EUTERPE_HOT void drop_row(const float* x, const float* add, Bf16* y, std::uint64_t key, double rate,
                          std::uint32_t first, std::int64_t n) {
  drop(x, add, y, key, rate, first, n);
}

EUTERPE_HOT void rotate_rows(const float* x, std::int64_t stride, const float* cosine, const float* sine, float scale,
                             float* out, std::int64_t rows, std::int64_t half) {
  rotate(x, stride, cosine, sine, scale, out, rows, half);
}

EUTERPE_HOT void rotate_rows(const Bf16* x, std::int64_t stride, const float* cosine, const float* sine, float scale,
                             float* out, std::int64_t rows, std::int64_t half) {
  rotate(x, stride, cosine, sine, scale, out, rows, half);
}

EUTERPE_HOT void rotate_rows_back(const float* x, const float* cosine, const float* sine, float scale, float* out,
                                  std::int64_t stride, std::int64_t rows, std::int64_t half) {
  rotate_back(x, cosine, sine, scale, out, stride, rows, half);
}

EUTERPE_HOT void rotate_rows_back(const float* x, const float* cosine, const float* sine, float scale, Bf16* out,
                                  std::int64_t stride, std::int64_t rows, std::int64_t half) {
  rotate_back(x, cosine, sine, scale, out, stride, rows, half);
}

EUTERPE_HOT void causal_softmax(float* s, std::int64_t stride, float* normalizer, std::int64_t rows,
                                std::int64_t columns, std::int64_t seen) {
  for (std::int64_t r = 0; r < rows; ++r, s += stride) {
    const std::int64_t n = std::min(columns, seen + r);
    const float top = largest(s, n), sum = exp_and_sum(s, top, n), share = 1 / sum;
    for (std::int64_t i = 0; i < n; ++i) s[i] *= share;
    std::fill(s + n, s + columns, 0.0f);
    normalizer[r] = top + std::log(sum);
  }
}

EUTERPE_HOT void causal_softmax_again(float* s, std::int64_t stride, const float* normalizer, std::int64_t rows,
                                      std::int64_t columns, std::int64_t seen) {
  for (std::int64_t r = 0; r < rows; ++r, s += stride) {
    const std::int64_t n = std::min(columns, seen + r);
    for (std::int64_t i = 0; i < n; ++i) s[i] = fast_exp(s[i] - normalizer[r]);
    std::fill(s + n, s + columns, 0.0f);
  }
}

EUTERPE_HOT void softmax_gradient(const float* p, float* dp, std::int64_t stride, std::int64_t rows,
                                  std::int64_t columns, std::int64_t seen) {
  for (std::int64_t r = 0; r < rows; ++r, p += stride, dp += stride) {
    const std::int64_t n = std::min(columns, seen + r);
    const float mean = lane_sum(n, [&](std::int64_t i) { return p[i] * dp[i]; });
    for (std::int64_t i = 0; i < n; ++i) dp[i] = p[i] * (dp[i] - mean);
    std::fill(dp + n, dp + columns, 0.0f);
  }
}

EUTERPE_HOT double cross_entropy_row(float* logits, std::int64_t vocabulary, std::int64_t target, float weight) {
  const float top = largest(logits, vocabulary), of_target = logits[target];
  const float sum = exp_and_sum(logits, top, vocabulary), share = weight / sum;
  for (std::int64_t i = 0; i < vocabulary; ++i) logits[i] *= share;
  logits[target] -= weight;
  return std::log(static_cast<double>(sum)) - (static_cast<double>(of_target) - static_cast<double>(top));
}

}  // namespace euterpe
