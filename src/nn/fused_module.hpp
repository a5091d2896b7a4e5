#pragma once
/// The parts of a Transformer's training step as functions with gradients of their own: on the CPU they go through
/// nn/row_kernels.hpp, elsewhere through libtorch's expressions. Results do not depend on the number of threads.
/// With bf16 products, what lies between two products is bf16 too; sums over the blocks stay float32.
#include <torch/torch.h>

#include <functional>

#include "base/random.hpp"

namespace euterpe {

/// One pass's dropout. The mask of a row of the batch is a function of key and the row's number in the whole batch, so
/// that a batch divided among processes, or a pass computed again, meets the same masks.
struct Dropout {
  double rate = 0;  ///< [0, 1)
  std::uint64_t key = 0;
  std::int64_t first_row = 0;  ///< number of the first row here in the whole batch

  static Dropout draw(double rate, Random& random, std::int64_t first_row = 0) {
    return {rate, random.next(), first_row};
  }
  /// For another place in the network: other masks of the same rate.
  Dropout at(std::uint64_t place) const;
};

/// `add` + dropout(x), float32 where either is; `add` may be undefined. The first axis is the batch. \param dropout
/// null = none
torch::Tensor dropped(const torch::Tensor& x, const torch::Tensor& add, const Dropout* dropout);

/// RMSNorm over the last axis (Zhang and Sennrich 2019). \param bf16 on a CPU, whether the result is, for mixed_linear
torch::Tensor fused_norm(const torch::Tensor& x, const torch::Tensor& weight, bool bf16 = false);
/// silu(g[…, :ff]) · g[…, ff:], g […, 2 ff] (Shazeer 2020).
torch::Tensor fused_swiglu(const torch::Tensor& g);

/// x · weightᵀ in the type of x; in bf16 both factors and the products are rounded (sums within are float32), weights
/// and their gradients stay float32.
torch::Tensor mixed_linear(const torch::Tensor& x, const torch::Tensor& weight);

/// Rotary positions and softmax(Q Kᵀ / √head) V where every step sees itself and what is before it. Blocks of the upper
/// triangle are never computed and no [time × time] matrix outlives its block of rows: the backward pass computes it
/// again (as in Dao et al. 2022).
/// \param qkv [batch × time × 3 × heads × head] \param cosine, sine [time × head/2], or [batch × time × head/2] where
/// each sequence has its own
/// \return [batch × time × heads · head]
torch::Tensor causal_attention(const torch::Tensor& qkv, const torch::Tensor& cosine, const torch::Tensor& sine);

/// The same for sequences of different lengths that stand one after the other, without padding.
/// \param qkv [steps × 3 × heads × head] \param begins int64 [sequences + 1] on the CPU: 0, the first step of each
/// further sequence, and `steps` \param cosine, sine [longest × head/2]
/// \return [steps × heads · head]
torch::Tensor ragged_causal_attention(const torch::Tensor& qkv, const torch::Tensor& begins,
                                      const torch::Tensor& cosine, const torch::Tensor& sine);

/// Mean −log softmax in nats over the rows whose target is not `ignored`; overwrites the logits with their gradient.
/// \param logits [rows × vocabulary], of which nobody needs the values any more \param targets int64 [rows]
torch::Tensor consume_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets, std::int64_t ignored);

/// pass(x) that keeps x alone and computes itself again in the backward pass (Chen et al. 2016). `pass` must give the
/// same values both times; parameters that it uses receive their gradients as always.
torch::Tensor recomputed(const torch::Tensor& x, std::function<torch::Tensor(const torch::Tensor&)> pass);

}  // namespace euterpe
