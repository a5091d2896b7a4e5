#pragma once
/// The element-wise parts of a Transformer's step, each as one pass over rows of float32 instead of one pass an
/// operation. Gradients are those of the expressions given; all matrices are row-major and dense unless a stride says
/// otherwise. What lies between two matrix products may be bf16: arithmetic is float32 all the same, and only what is
/// written is rounded, to the nearest. One thread: callers divide the rows.
#include <cstdint>

namespace euterpe {

/// The bits of a bf16 number.
using Bf16 = std::uint16_t;

void widen_row(const Bf16* x, float* y, std::int64_t n);
void narrow_row(const float* x, Bf16* y, std::int64_t n);

/// y = x / √(mean x² + ε) · weight; scale [rows] keeps 1 / √(…) for the gradient.
void norm_rows(const float* x, const float* weight, float* y, float* scale, std::int64_t rows, std::int64_t d);
void norm_rows(const float* x, const float* weight, Bf16* y, float* scale, std::int64_t rows, std::int64_t d);
/// \param dweight [d], added to
void norm_rows_gradient(const float* dy, const float* x, const float* weight, const float* scale, float* dx,
                        float* dweight, std::int64_t rows, std::int64_t d);
void norm_rows_gradient(const Bf16* dy, const float* x, const float* weight, const float* scale, float* dx,
                        float* dweight, std::int64_t rows, std::int64_t d);

/// y[rows × ff] = silu(g[:, :ff]) · g[:, ff:], g [rows × 2 ff].
void swiglu_rows(const float* g, float* y, std::int64_t rows, std::int64_t ff);
void swiglu_rows(const Bf16* g, Bf16* y, std::int64_t rows, std::int64_t ff);
void swiglu_rows_gradient(const float* dy, const float* g, float* dg, std::int64_t rows, std::int64_t ff);
void swiglu_rows_gradient(const Bf16* dy, const Bf16* g, Bf16* dg, std::int64_t rows, std::int64_t ff);

/// y[i] = add[i] + (kept i ? x[i] / (1 − rate) : 0); `add` may be null. Element i's mask is a function of key and
/// first + i alone, so that neither a mask has to be kept for the gradient nor a divided batch changes it.
/// \param rate in [0, 1)
void drop_row(const float* x, const float* add, float* y, std::uint64_t key, double rate, std::uint32_t first,
              std::int64_t n);
void drop_row(const Bf16* x, const float* add, float* y, std::uint64_t key, double rate, std::uint32_t first,
              std::int64_t n);
void drop_row(const float* x, const float* add, Bf16* y, std::uint64_t key, double rate, std::uint32_t first,
              std::int64_t n);

/// Rotary positions: pair (i, i + half) of every row turns by the row's angle, times `scale`.
/// Row t of `out` [rows × 2 half], read from x + t · stride; cosine and sine [rows × half].
void rotate_rows(const float* x, std::int64_t stride, const float* cosine, const float* sine, float scale, float* out,
                 std::int64_t rows, std::int64_t half);
void rotate_rows(const Bf16* x, std::int64_t stride, const float* cosine, const float* sine, float scale, float* out,
                 std::int64_t rows, std::int64_t half);
/// The way back, for gradients: turns by minus the angle into out + t · stride.
void rotate_rows_back(const float* x, const float* cosine, const float* sine, float scale, float* out,
                      std::int64_t stride, std::int64_t rows, std::int64_t half);
void rotate_rows_back(const float* x, const float* cosine, const float* sine, float scale, Bf16* out,
                      std::int64_t stride, std::int64_t rows, std::int64_t half);

/// Causal softmax in place: row r of s, `stride` floats after the one before, sees its first seen + r columns, the
/// others of `columns` become 0; normalizer[r] = log Σ exp.
void causal_softmax(float* s, std::int64_t stride, float* normalizer, std::int64_t rows, std::int64_t columns,
                    std::int64_t seen);
/// s becomes the softmax again from its normalizer.
void causal_softmax_again(float* s, std::int64_t stride, const float* normalizer, std::int64_t rows,
                          std::int64_t columns, std::int64_t seen);
/// dp becomes p · (dp − Σ p · dp), the sum over its row; arguments as above
void softmax_gradient(const float* p, float* dp, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                      std::int64_t seen);

/// Row of logits becomes (softmax − one-hot of the target) · weight; returns −log softmax[target] in nats.
double cross_entropy_row(float* logits, std::int64_t vocabulary, std::int64_t target, float weight);

}  // namespace euterpe
