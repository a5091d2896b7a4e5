#pragma once
/// A trained Transformer's weights as the decoder reads them.
#include <cstdint>
#include <span>
#include <vector>

#include "nn/aligned_memory.hpp"
#include "nn/panels.hpp"
#include "nn/safetensors.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

/// Laid out once, in the order in which a token needs them; read-only, shared by any number of decoders and threads.
class TransformerWeights {
 public:
  struct Block {
    std::vector<float> attention_norm, ff_norm;
    PanelMatrix qkv;  ///< rows: for each head its queries, keys, values, each filled up to whole panels
    PanelMatrix attention_out;
    PanelMatrix ff_in;  ///< rows: sixteen gates, the sixteen ups that belong to them, and so on
    PanelMatrix ff_out;
  };

  /// Error{bad_input} naming the tensor that is missing or of another shape.
  TransformerWeights(const TransformerOptions& options, const Safetensors& file,
                     WeightFormat format = WeightFormat::bf16);

  const TransformerOptions& options() const { return options_; }
  WeightFormat format() const { return format_; }
  std::size_t bytes_per_token() const { return memory_.size(); }  ///< of matrices, all read for each token
  int head() const { return options_.d_model / options_.heads; }
  int padded_head() const { return (head() + kPanelRows - 1) / kPanelRows * kPanelRows; }
  const std::vector<Block>& blocks() const { return blocks_; }
  const std::vector<float>& final_norm() const { return final_norm_; }
  const PanelMatrix& output() const { return output_; }  ///< the embedding, its vocabulary filled up to whole panels
  std::span<const std::uint16_t> embedding(int token) const;  ///< bf16 [d_model]

 private:
  TransformerOptions options_;
  WeightFormat format_;
  AlignedMemory<std::uint8_t> memory_;
  std::vector<std::uint16_t> embedding_;  ///< bf16 [vocabulary × d_model], of which a token reads one row
  std::vector<float> final_norm_;
  std::vector<Block> blocks_;
  PanelMatrix output_;
};

}  // namespace euterpe
