#pragma once
/// The prior over latents in libtorch. Parameter names are those of the shipped safetensors.
#include <torch/torch.h>

#include <span>
#include <vector>

#include "nn/latent_prior.hpp"
#include "nn/transformer_module.hpp"

namespace euterpe {

/// Rows of the wish embedding.
std::int64_t wish_rows(const LatentPriorOptions& options);

/// Wishes of pieces side by side, the shorter ones filled up.
struct WishBatch {
  torch::Tensor classes;  ///< int64 [pieces × bars × kWishes], rows of the wish embedding
  torch::Tensor melody;   ///< float [pieces × bars × 2 kMelodyValues]: of the bar and of the next; zeros = not asked
  torch::Tensor present;  ///< float [pieces × bars]
  WishBatch to(torch::Device device) const { return {classes.to(device), melody.to(device), present.to(device)}; }
};
/// Sines and cosines of the flow's time. \return [rows × kTimeValues]
torch::Tensor time_waves(const torch::Tensor& time);

/// \param asked false: of a wish only the meter is said, which is what guidance compares with
WishBatch wish_batch(std::span<const LatentWish> wishes, const LatentPriorOptions& options, bool asked = true);

struct LatentPriorModuleImpl : torch::nn::Module {
  explicit LatentPriorModuleImpl(const LatentPriorOptions& options);
  /// What the bars so far and the wishes say of each bar. \param before standardized latents of the bar before each,
  /// [pieces × bars × latent], zeros before the first \return [pieces × bars × d_model]
  /// \param dropout of the branches while it learns; null = none
  torch::Tensor context(const WishBatch& wishes, const torch::Tensor& before, const Dropout* dropout = nullptr) const;
  /// Velocity of the flow from noise to latents. \param x [rows × latent] \param time [rows], 0 = noise, 1 = latents
  /// \param said [rows × d_model]
  torch::Tensor velocity(const torch::Tensor& x, const torch::Tensor& time, const torch::Tensor& said) const;
  torch::Tensor standardized(const torch::Tensor& z) const { return (z - mean) / deviation; }
  torch::Tensor restored(const torch::Tensor& x) const { return x * deviation + mean; }

  LatentPriorOptions options;
  RotaryAngles angles;
  torch::Tensor wish, melody_in, before_in, final_norm;
  std::vector<TransformerBlock> blocks;
  torch::Tensor flow_in, said_in, time_in, flow_out;
  struct FlowBlock {
    torch::Tensor norm, in, shift, out;
  };
  std::vector<FlowBlock> flow;
  torch::Tensor mean, deviation;  ///< [latent], of the latents that were learned from; not trained

 private:
  /// Rows of `wish`, where a class of a trait is the class below it and a step more: rare ones learn from their
  /// neighbors.
  torch::Tensor wish_vectors() const;
};
TORCH_MODULE(LatentPriorModule);

}  // namespace euterpe
