#pragma once
/// What a Transformer does to rows of numbers between its matrix products, vectorized; every sum has a fixed order.
#include <bit>
#include <cstddef>
#include <cstdint>

namespace euterpe {

/// out = x / √(mean x² + kNormEpsilon) · weight. \param n a multiple of 16
void rms_norm_row(const float* x, const float* weight, float* out, int n);

/// Softmax of x[0 … n), and zeros from there to `padded`, a multiple of 16.
void softmax_row(float* x, int n, int padded);

/// out[i] = gate / (1 + e^−gate) · up, where `x` holds sixteen gates, the sixteen ups that belong to them, and so on.
/// \param n of `out`, a multiple of 16
void swiglu_row(const float* x, float* out, int n);

/// Rotates pairs (i, i + half) by the angle of the position and scales them. \param cosine, sine [half]
void rotate_row(float* x, const float* cosine, const float* sine, int half, float scale);

/// Rounds x to scale · int16, |int16| ≤ limit; two neighbors make one element of `out` [n / 2]. Returns the scale.
float quantize_row(const float* x, std::int32_t* out, int n, int limit);

/// Lays out up to `tile` rows as a tile for PanelKernels::tiles_…: out[column · tile + row].
/// \param x row-major [rows × stride], its first `columns` are taken
void pack_tile(const float* x, std::size_t stride, int rows, int columns, int tile, float* out);
void pack_tile(const std::int32_t* x, std::size_t stride, int rows, int columns, int tile, std::int32_t* out);

/// The same number with 8 bits of significand, to nearest, ties to even. \param x finite
inline std::uint32_t round_to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

}  // namespace euterpe
