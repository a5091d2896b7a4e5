#pragma once
/// The Transformer for training, in libtorch. Parameter names are those of the shipped safetensors.
#include <torch/torch.h>

#include "base/random.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

/// Dropout whose mask costs eight elements a random word instead of libtorch's one Bernoulli draw an element.
/// \param rate in steps of 1/256; \param random advanced by the call, so that a seed reproduces the masks
torch::Tensor fast_dropout(const torch::Tensor& x, double rate, Random& random);

struct TransformerBlockImpl : torch::nn::Module {
  explicit TransformerBlockImpl(const TransformerOptions& options);
  /// \param x [batch × time × d_model]; \param rotary cos and sin, [time × head/2] each; \param mask [time × time],
  /// −inf above
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& cosine, const torch::Tensor& sine,
                        const torch::Tensor& mask, double dropout, Random* random);
  TransformerOptions options;
  torch::Tensor attention_norm, qkv, attention_out, ff_norm, ff_in, ff_out;
};
TORCH_MODULE(TransformerBlock);

struct TransformerModuleImpl : torch::nn::Module {
  explicit TransformerModuleImpl(const TransformerOptions& options);
  /// \param tokens int64 [batch × time ≤ context]; \param random null switches dropout off
  /// \return logits float32 [batch × time × vocabulary]
  torch::Tensor forward(const torch::Tensor& tokens, Random* random);
  TransformerOptions options;
  torch::Tensor embedding, final_norm;
  std::vector<TransformerBlock> blocks;
};
TORCH_MODULE(TransformerModule);

}  // namespace euterpe
