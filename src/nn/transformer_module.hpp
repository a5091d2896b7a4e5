#pragma once
/// The Transformer for training, in libtorch. Parameter names are those of the shipped safetensors.
#include <torch/torch.h>

#include <functional>

#include "base/random.hpp"
#include "nn/fused_module.hpp"
#include "nn/rotary.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

/// Dropout of x, whose first axis is the batch; \param random advanced by the call, so that a seed reproduces the
/// masks.
torch::Tensor fast_dropout(const torch::Tensor& x, double rate, Random& random);

struct TransformerBlockImpl : torch::nn::Module {
  explicit TransformerBlockImpl(const TransformerOptions& options);
  /// \param x [batch × time × d_model]; \param rotary cos and sin, each [time × head/2] or what broadcasts to
  /// [batch × heads × time × head/2]; \param mask added to the scores, [time × time] or what broadcasts to it;
  /// undefined = causal, and then cos and sin are [time × head/2]
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& cosine, const torch::Tensor& sine,
                        const torch::Tensor& mask, double dropout, Random* random);
  /// The same with the masks of `dropout`; null = none.
  torch::Tensor run(const torch::Tensor& x, const torch::Tensor& cosine, const torch::Tensor& sine,
                    const torch::Tensor& mask, const Dropout* dropout);
  /// For sequences of different lengths, one after the other. \param x [steps × d_model] \param begins as of
  /// ragged_causal_attention()
  torch::Tensor run_ragged(const torch::Tensor& x, const torch::Tensor& begins, const torch::Tensor& cosine,
                           const torch::Tensor& sine, const Dropout* dropout);
  TransformerOptions options;
  TransformerCompute compute;
  torch::Tensor attention_norm, qkv, attention_out, ff_norm, ff_in, ff_out;

 private:
  /// \param x [batch × time × d_model] \param attend from [batch × time × 3 × heads × head] to x's shape
  torch::Tensor through(const torch::Tensor& x, const std::function<torch::Tensor(const torch::Tensor&)>& attend,
                        const Dropout* dropout);
};
TORCH_MODULE(TransformerBlock);

/// What stands first in a sequence and says what follows: a handful of tokens that would hardly be learned among a
/// thousand others. In the gradient each of these tokens counts `weight` times more; the loss itself stays the plain
/// mean.
struct StressedHead {
  std::int64_t tokens = 0;
  double weight = 0;
};

struct TransformerModuleImpl : torch::nn::Module {
  explicit TransformerModuleImpl(const TransformerOptions& options);
  void set_compute(const TransformerCompute& compute);
  /// \param tokens int64 [batch × time ≤ context]; \param random null switches dropout off
  /// \param first_row number of the first sequence in the whole batch, where several processes share one
  /// \param places of the tokens in the music, [batch × time], for a network that attends by them; empty: all at its
  /// beginning
  /// \return logits [batch × time × vocabulary], float32 but for a GPU in bf16
  torch::Tensor forward(const torch::Tensor& tokens, Random* random, std::int64_t first_row = 0,
                        std::span<const MusicPlace> places = {});
  /// Tokens as the blocks read them, […] → […, d_model]. \param table [vocabulary × d_model]
  torch::Tensor read(const torch::Tensor& tokens, const torch::Tensor& table) const;
  /// What follows each step of sequences of different lengths that stand one after the other, before the product with
  /// the embedding. \param x [steps × d_model] from read() \param begins as of ragged_causal_attention()
  /// \param dropout null = none \return [steps × d_model]
  torch::Tensor run_ragged(torch::Tensor x, const torch::Tensor& begins, const Dropout* dropout);
  /// Mean nats of each token after the first, given those before it; `pad` is not predicted.
  /// \param tokens int64 [batch × time + 1] \param places [batch × time], of those before the last
  /// \param head the first tokens of each sequence, stressed in the gradient
  torch::Tensor loss(const torch::Tensor& tokens, std::int64_t pad, Random* random, std::int64_t first_row = 0,
                     std::span<const MusicPlace> places = {}, const StressedHead& head = {});
  TransformerOptions options;
  TransformerCompute compute;
  RotaryAngles angles;
  torch::Tensor embedding, final_norm;
  std::vector<TransformerBlock> blocks;
};
TORCH_MODULE(TransformerModule);

}  // namespace euterpe
