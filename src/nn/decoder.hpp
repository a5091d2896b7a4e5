#pragma once
/// Runs a trained Transformer one token at a time with a key-value cache, without libtorch and without allocation.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "nn/safetensors.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

/// Weights held as bf16 (half the bytes a token must read); read-only, shared by any number of decoders and threads.
class TransformerWeights {
 public:
  /// Error{bad_input} naming the tensor that is missing or of another shape.
  TransformerWeights(const TransformerOptions& options, const Safetensors& file);
  const TransformerOptions& options() const { return options_; }

 private:
  friend class Decoder;
  struct Linear {
    int rows = 0, columns = 0;
    std::vector<std::uint16_t> bf16;  ///< row-major [rows × columns]
  };
  struct Block {
    std::vector<float> attention_norm, ff_norm;
    Linear qkv, attention_out, ff_in, ff_out;
  };
  TransformerOptions options_;
  Linear embedding_;
  std::vector<float> final_norm_;
  std::vector<Block> blocks_;
};

class Decoder {
 public:
  explicit Decoder(std::shared_ptr<const TransformerWeights> weights);

  /// Appends one token and returns the logits [vocabulary] of the next, valid until the next call.
  /// Throws Error{usage} when the context is full: rewind() and feed a shorter history.
  std::span<const float> step(int token);
  /// Forgets all but the first `length` tokens.
  void rewind(int length);
  int length() const { return length_; }
  int context() const { return weights_->options().context; }

 private:
  std::shared_ptr<const TransformerWeights> weights_;
  int length_ = 0;
  std::vector<float> keys_, values_;  ///< [layers × heads × context × head]
  std::vector<float> cosine_, sine_;  ///< [context × head / 2]
  std::vector<float> x_, normed_, qkv_, mixed_, gates_, scores_, logits_;
};

}  // namespace euterpe
