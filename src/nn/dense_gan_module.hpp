#pragma once
/// The dense GAN in libtorch.
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
struct DenseDiscriminatorModuleImpl : torch::nn::Module {
  /// \param deviation whether it also sees the mean standard deviation of the batch's pixels (Karras et al. 2018): a
  /// generator that draws one thing only is then found out at once
  explicit DenseDiscriminatorModuleImpl(std::int64_t pixels, bool deviation = false);
  torch::Tensor forward(const torch::Tensor& pictures);
  DenseStack stack{nullptr};
  bool deviation;
};
TORCH_MODULE(DenseDiscriminatorModule);

}  // namespace euterpe
