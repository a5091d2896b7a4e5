#pragma once
/// Causal attention of one head of one sequence with its gradient, in float32 and in memory that stays in the caches:
/// softmax(Q Kᵀ / √head) V with rotary positions, where every step sees itself and what is before it. Rows are taken
/// block by block; nothing is computed for what a block cannot see, and the backward pass makes the scores of a block
/// again instead of keeping them (as in Dao et al. 2022).
#include <cstdint>
#include <vector>

#include "nn/row_kernels.hpp"

namespace euterpe {

/// One head's place in a tensor [time × 3 × heads × head] of queries, keys and values.
template <class T>
struct HeadPlace {
  T* query;           ///< of the first step; key and value are `part` and 2 · `part` further
  std::int64_t step;  ///< from a step to the next
  std::int64_t part;
};

class HeadAttention {
 public:
  HeadAttention(std::int64_t time, std::int64_t head);
  /// For a sequence of another length from here on.
  void resize(std::int64_t time);

  /// \param cosine, sine [time × head/2] \param out [time × head], rows `stride` apart \param normalizer [time], kept
  /// for the gradient. T is float or Bf16.
  template <class T>
  void forward(const HeadPlace<const T>& from, const float* cosine, const float* sine, T* out, std::int64_t stride,
               float* normalizer);
  /// \param dout as `out` above \param to where the gradients of query, key and value go
  template <class T>
  void backward(const HeadPlace<const T>& from, const float* cosine, const float* sine, const T* dout,
                std::int64_t stride, const float* normalizer, const HeadPlace<T>& to);

 private:
  template <class T>
  void read(const HeadPlace<const T>& from, const float* cosine, const float* sine);
  void transpose(const std::vector<float>& from, std::vector<float>& to) const;
  void scores(std::int64_t row, std::int64_t rows, std::int64_t last);

  std::int64_t time_, head_, width_;  ///< width_: floats from a row of scores to the next
  float scale_;
  std::vector<float> q_, k_, v_, side_;     ///< [time × head]; side_: the result, or its gradient
  std::vector<float> k_across_, v_across_;  ///< [head × width_]
  std::vector<float> p_, dp_;               ///< [block × width_]
  std::vector<float> dq_, dk_, dv_;         ///< [time × head]
};

}  // namespace euterpe
