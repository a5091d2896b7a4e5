#include "nn/row_functions.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "base/hot.hpp"
#include "nn/fast_exp.hpp"
#include "nn/transformer.hpp"

namespace euterpe {
namespace {

constexpr int kLanes = 16;
[[gnu::always_inline]] inline float sum_of_lanes(const float* s) {
  float eight[8], four[4];
  for (int i = 0; i < 8; ++i) eight[i] = s[i] + s[i + 8];
  for (int i = 0; i < 4; ++i) four[i] = eight[i] + eight[i + 4];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// A tile's width is known where the rows fill one, so that its loop is unrolled.
template <class T>
void pack(const T* x, std::size_t stride, int rows, int columns, int tile, T* out) {
  auto rows_of = [&](auto count) {
    for (int c = 0; c < columns; ++c, out += tile)
      for (int r = 0; r < count; ++r) out[r] = x[static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(c)];
  };
  if (rows == tile && tile == 12)
    rows_of(std::integral_constant<int, 12>{});
  else if (rows == tile && tile == 6)
    rows_of(std::integral_constant<int, 6>{});
  else
    rows_of(rows);
}

}  // namespace

void pack_tile(const float* x, std::size_t stride, int rows, int columns, int tile, float* out) {
  pack(x, stride, rows, columns, tile, out);
}
void pack_tile(const std::int32_t* x, std::size_t stride, int rows, int columns, int tile, std::int32_t* out) {
  pack(x, stride, rows, columns, tile, out);
}

EUTERPE_HOT void rms_norm_row(const float* x, const float* weight, float* out, int n) {
  float squares[kLanes] = {};
  for (int i = 0; i < n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) squares[k] += x[i + k] * x[i + k];
  const float mean = sum_of_lanes(squares) / static_cast<float>(n);
  const float scale = 1.0f / std::sqrt(mean + static_cast<float>(kNormEpsilon));
  for (int i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

EUTERPE_HOT void softmax_row(float* x, int n, int padded) {
  for (int i = n; i < padded; ++i) x[i] = -INFINITY;
  float lanes[kLanes];
  for (int k = 0; k < kLanes; ++k) lanes[k] = -INFINITY;
  for (int i = 0; i < padded; i += kLanes)
    for (int k = 0; k < kLanes; ++k) lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
  float largest = lanes[0];
  for (int k = 1; k < kLanes; ++k) largest = std::max(largest, lanes[k]);
  for (int i = 0; i < padded; ++i) x[i] = fast_exp(x[i] - largest);
  for (int i = n; i < padded; ++i) x[i] = 0;
  float sums[kLanes] = {};
  for (int i = 0; i < padded; i += kLanes)
    for (int k = 0; k < kLanes; ++k) sums[k] += x[i + k];
  const float scale = 1.0f / sum_of_lanes(sums);
  for (int i = 0; i < padded; ++i) x[i] *= scale;
}

EUTERPE_HOT void swiglu_row(const float* x, float* out, int n) {
  for (int i = 0; i < n; i += kLanes, x += 2 * kLanes, out += kLanes)
    for (int k = 0; k < kLanes; ++k) out[k] = x[k] / (1.0f + fast_exp(-x[k])) * x[kLanes + k];
}

EUTERPE_HOT void rotate_row(float* x, const float* cosine, const float* sine, int half, float scale) {
  for (int i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half];
    x[i] = (a * cosine[i] - b * sine[i]) * scale;
    x[i + half] = (b * cosine[i] + a * sine[i]) * scale;
  }
}

EUTERPE_HOT float quantize_row(const float* x, std::int32_t* out, int n, int limit) {
  // Of positive floats the larger has the larger bits; a maximum of integers needs no order.
  std::int32_t largest_bits = 0;
  for (int i = 0; i < n; ++i) {
    const std::int32_t bits = std::bit_cast<std::int32_t>(x[i]) & 0x7fffffff;
    largest_bits = bits > largest_bits ? bits : largest_bits;
  }
  const float largest = std::bit_cast<float>(largest_bits);
  if (!(largest > 1e-30f)) {  // below, the reciprocal is no number
    std::fill(out, out + n / 2, 0);
    return 0;
  }
  const float to_integer = static_cast<float>(limit) / largest;
  auto* halves = reinterpret_cast<std::int16_t*>(out);
  for (int i = 0; i < n; ++i) {
    const std::int32_t rounded =
        std::bit_cast<std::int32_t>(x[i] * to_integer + kRoundToWhole) - std::bit_cast<std::int32_t>(kRoundToWhole);
    halves[i] = static_cast<std::int16_t>(rounded);
  }
  return largest / static_cast<float>(limit);
}

}  // namespace euterpe
