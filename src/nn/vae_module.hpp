#pragma once
/// The autoencoder of bars in libtorch. Parameter names are those of the shipped safetensors.
#include <torch/torch.h>

#include <span>
#include <vector>

#include "nn/transformer_module.hpp"
#include "nn/vae.hpp"

namespace euterpe {

/// A note is said in three steps: its place (onset and part together, or the end of the bar), its pitch, its length.
inline constexpr std::int64_t kGridPlaces = kMostGridSteps * kGridParts, kBarEnd = kGridPlaces;
inline constexpr std::int64_t kBarQuarters = 4;  ///< parts of a bar that the latents are gathered from
inline constexpr std::int64_t kNotePool = 2;     ///< width of what a note adds to the sum over its quarter, in d_model
inline constexpr std::int64_t kGridPitches = 128, kGridLengths = kLongestGridNote;

/// Bars side by side, the shorter ones filled up. Filled places have the place −1.
struct BarBatch {
  torch::Tensor meters;    ///< int64 [bars]
  torch::Tensor place;     ///< int64 [bars × notes + 1], kBarEnd behind the last note
  torch::Tensor pitch;     ///< int64 [bars × notes]
  torch::Tensor length;    ///< int64 [bars × notes], length − 1
  torch::Tensor present;   ///< float [bars × notes]
  std::int64_t notes = 0;  ///< that are present, in all
  BarBatch to(torch::Device device) const;
};
BarBatch bar_batch(std::span<const GridBar* const> bars);

struct VaeModuleImpl : torch::nn::Module {
  explicit VaeModuleImpl(const VaeOptions& options);
  void set_compute(const TransformerCompute& compute);
  /// \return mean and log variance, each [bars × latent]
  std::pair<torch::Tensor, torch::Tensor> encode(const BarBatch& batch) const;
  /// −log p(bar | z) of each bar in nats, [bars]. \param told [bars × told], undefined = nothing
  /// \param dropout of the branches while it learns; null = none
  torch::Tensor reconstruction_nats(const BarBatch& batch, const torch::Tensor& z, const torch::Tensor& told = {},
                                    const Dropout* dropout = nullptr) const;
  std::vector<GridBar> decode(const torch::Tensor& z, std::span<const int> meters, const BarDrawing& how,
                              Random& random, const torch::Tensor& told = {}) const;

  VaeOptions options;
  RotaryAngles angles;
  torch::Tensor place, pitch, length, meter;  ///< embeddings
  std::vector<TransformerBlock> encoder, decoder;
  torch::Tensor encoder_norm, pool_in, pool_out, pool_bias;
  torch::Tensor memory_in, memory_bias;           ///< z → the places before the notes
  std::vector<torch::Tensor> condition, told_in;  ///< z, and what is told beside it → the residual stream, a layer
  torch::Tensor decoder_norm, place_out, pitch_mix, pitch_out, length_mix, length_out;
  torch::Tensor steps;  ///< int64 [meters × 1], sixteenths of a bar; no parameter

 private:
  torch::Tensor embed(const BarBatch& batch) const;
  std::pair<torch::Tensor, torch::Tensor> rotary(std::int64_t first, std::int64_t time) const;
  torch::Tensor quarters_of(const BarBatch& batch) const;  ///< of each note, [bars × notes]
  torch::Tensor conditioned(std::size_t layer, const torch::Tensor& z, const torch::Tensor& told) const;
  torch::Tensor memory(const torch::Tensor& z, const torch::Tensor& meters) const;
};
TORCH_MODULE(VaeModule);

}  // namespace euterpe
