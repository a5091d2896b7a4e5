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

DenseDiscriminatorModuleImpl::DenseDiscriminatorModuleImpl(std::int64_t pixels, bool sees_deviation)
    : deviation(sees_deviation) {
  stack = register_module("stack", DenseStack(widths(pixels + deviation, kDenseDiscriminatorWidths, 1)));
}

torch::Tensor DenseDiscriminatorModuleImpl::forward(const torch::Tensor& pictures) {
  if (!deviation) return stack(pictures).squeeze(1);
  constexpr double kFlat = 1e-8;  // keeps the root's slope finite where all pictures agree
  const torch::Tensor mean = (pictures.var(0, false) + kFlat).sqrt().mean();
  return stack(torch::cat({pictures, mean.expand({pictures.size(0), 1})}, 1)).squeeze(1);
}

}  // namespace euterpe
