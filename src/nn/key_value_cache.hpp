#pragma once
/// Keys and values of one sequence, kept so that attention is two products with panels (nn/panel_kernels.hpp).
#include "nn/aligned_memory.hpp"
#include "nn/panel_kernels.hpp"

namespace euterpe {

/// bf16, like the weights: half the bytes that each token reads again. For each layer and head, keys are a matrix
/// [tokens × head], whose rows fill panel after panel, and values its counterpart [head × tokens], whose columns do.
class KeyValueCache {
 public:
  /// \param head even
  KeyValueCache(int layers, int heads, int head, int context);

  /// What the token at `position` is found by and what it tells. \param key, value [head], finite
  void put(int layer, int head, int position, const float* key, const float* value);
  /// Of the first `length` tokens, ≥ 1; rows beyond them, in the last panel, are of no meaning, but finite.
  Bf16Panels keys(int layer, int head, int length) const;
  /// Of the first `length` tokens; where that is odd, the last pair's second half is finite.
  Bf16Panels values(int layer, int head, int length) const;

  int length() const { return length_; }
  void set_length(int length) { length_ = length; }
  int padded_context() const { return padded_context_; }  ///< whole panels
  /// Takes the tokens of another cache of the same shape.
  void copy_from(const KeyValueCache& other);

 private:
  std::size_t place(int layer, int head, std::size_t each) const;

  int heads_, pairs_, head_panels_, matrices_, padded_context_, length_ = 0;
  std::size_t key_stride_, value_stride_;  ///< words of one head
  AlignedMemory<std::uint32_t> keys_, values_;
};

}  // namespace euterpe
