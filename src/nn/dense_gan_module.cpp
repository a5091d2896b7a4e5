#include "nn/dense_gan_module.hpp"

#include <fmt/format.h>

namespace euterpe {
namespace {

std::vector<std::int64_t> widths(std::int64_t first, std::span<const std::int64_t> between, std::int64_t last) {
  std::vector<std::int64_t> out{first};
  out.insert(out.end(), between.begin(), between.end());
  out.push_back(last);
  return out;
}

}  // namespace

DenseStackImpl::DenseStackImpl(const std::vector<std::int64_t>& sizes) {
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l)
    layers.push_back(register_module(fmt::format("layer_{}", l), torch::nn::Linear(sizes[l], sizes[l + 1])));
}

torch::Tensor DenseStackImpl::forward(torch::Tensor x) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    x = layers[l](x);
    if (l + 1 < layers.size()) x = torch::leaky_relu(x, kDenseLeak);
  }
  return x;
}

DenseGeneratorModuleImpl::DenseGeneratorModuleImpl(std::int64_t pixels) {
  stack = register_module("stack", DenseStack(widths(kDenseNoise, kDenseGeneratorWidths, pixels)));
}

Safetensors DenseGeneratorModuleImpl::weights(DType matrices) const {
  Safetensors file;
  const auto put = [&](const std::string& name, const torch::Tensor& tensor, DType as) {
    const torch::Tensor t = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    file.put(name, t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())), as);
  };
  for (std::size_t l = 0; l < stack->layers.size(); ++l) {
    put(fmt::format("layer.{}.weight", l), stack->layers[l]->weight, matrices);
    put(fmt::format("layer.{}.bias", l), stack->layers[l]->bias, DType::f32);
  }
  return file;
}

DenseStack dense_discriminator(std::int64_t pixels) { return DenseStack(widths(pixels, kDenseDiscriminatorWidths, 1)); }

torch::Tensor dense_discriminator_loss(const torch::Tensor& real_logits, const torch::Tensor& fake_logits,
                                       double real) {
  // log D = log σ(l) and log(1 − D) = log σ(−l), without overflow.
  const torch::Tensor right = real * torch::log_sigmoid(real_logits) + (1 - real) * torch::log_sigmoid(-real_logits);
  return -0.5 * (right.mean() + torch::log_sigmoid(-fake_logits).mean());
}

torch::Tensor dense_generator_loss(const torch::Tensor& fake_logits) { return -torch::log_sigmoid(fake_logits).mean(); }

}  // namespace euterpe
