#pragma once
/// The dense GAN in libtorch, and its losses as they are trained by.
#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "nn/dense_gan.hpp"
#include "nn/safetensors.hpp"

namespace euterpe {

/// Linear layers with LeakyReLU between them; what the last gives is left as it is. Parameters layer.L.weight, .bias.
struct DenseStackImpl : torch::nn::Module {
  /// \param widths of the input, of every layer
  explicit DenseStackImpl(const std::vector<std::int64_t>& widths);
  torch::Tensor forward(torch::Tensor x);
  std::vector<torch::nn::Linear> layers;
};
TORCH_MODULE(DenseStack);

/// [batch × kDenseNoise] → tanh → [batch × pixels] in −1 … 1.
struct DenseGeneratorModuleImpl : torch::nn::Module {
  explicit DenseGeneratorModuleImpl(std::int64_t pixels);
  torch::Tensor forward(const torch::Tensor& noise) { return torch::tanh(stack(noise)); }
  Safetensors weights(DType matrices) const;  ///< as DenseGenerator::from() reads them
  DenseStack stack{nullptr};
};
TORCH_MODULE(DenseGeneratorModule);

/// [batch × pixels] → logits [batch] of being real; D(x) is their sigmoid.
DenseStack dense_discriminator(std::int64_t pixels);

/// L_D = −½ (E[log D(x)] + E[log(1 − D(G(z)))]), from logits. \param real what D(x) is asked to be; below 1: one-sided
/// label smoothing (Salimans et al. 2016), binary cross-entropy against `real`
torch::Tensor dense_discriminator_loss(const torch::Tensor& real_logits, const torch::Tensor& fake_logits,
                                       double real = 1);
/// L_G = −E[log D(G(z))], from logits.
torch::Tensor dense_generator_loss(const torch::Tensor& fake_logits);

}  // namespace euterpe
