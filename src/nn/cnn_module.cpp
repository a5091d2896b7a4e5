#include <torch/torch.h>

#include "nn/cnn_module.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr double kEpsilon = 1e-5;

void store(Safetensors& file, const std::string& name, const torch::Tensor& tensor) {
  const auto t = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  file.put(name, t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
           t.dim() > 1 ? DType::bf16 : DType::f32);
}

void fetch(const Safetensors& file, const std::string& name, torch::Tensor& into) {
  torch::NoGradGuard guard;
  const auto shape = into.sizes().vec();
  auto values = file.finite(name, shape);
  into.copy_(torch::from_blob(values.data(), shape, torch::kFloat32));
}

}  // namespace

ConvolutionImpl::ConvolutionImpl(int inputs, int outputs, int size, int step) : stride(step), padding(size / 2) {
  // He et al. 2015; laid out with the channels last, which oneDNN multiplies fastest for few channels.
  const double deviation = std::sqrt(2.0 / (inputs * size * size));
  weight = register_parameter(
      "weight", (torch::randn({outputs, inputs, size, size}) * deviation).contiguous(at::MemoryFormat::ChannelsLast));
  gain = register_parameter("gain", torch::ones({outputs}));
  bias = register_parameter("bias", torch::zeros({outputs}));
  mean = register_buffer("mean", torch::zeros({outputs}));
  variance = register_buffer("variance", torch::ones({outputs}) - kEpsilon);
}

std::pair<torch::Tensor, torch::Tensor> ConvolutionImpl::folded() const {
  const auto scale = gain * torch::rsqrt(variance + kEpsilon);
  return {weight * scale.view({-1, 1, 1, 1}), bias - mean * scale};
}

torch::Tensor ConvolutionImpl::forward(const torch::Tensor& x, Statistics statistics) {
  if (statistics == Statistics::fixed) {
    const auto [w, b] = folded();
    return torch::conv2d(x, w, b, stride, padding);
  }
  const auto y = torch::conv2d(x, weight, {}, stride, padding);
  if (statistics == Statistics::measure) {
    torch::NoGradGuard guard;
    const auto m = y.mean({0, 2, 3}), v = y.var({0, 2, 3}, false);
    const double share = 1.0 / static_cast<double>(++measured);
    mean.lerp_(m, share);
    variance.lerp_(v, share);
  }
  return torch::batch_norm(y, gain, bias, {}, {}, true, 0.0, kEpsilon, false);
}

CnnModuleImpl::CnnModuleImpl(const CnnOptions& o) : options(o) {
  stem = register_module("stem", Convolution(1, o.widths.front(), 5, 2));
  int in = o.widths.front();
  for (std::size_t i = 0; i < o.widths.size(); ++i) {
    const int out = o.widths[i], stride = i == 0 ? 1 : 2;
    const std::string name = fmt::format("block{}", i);
    Block block{register_module(name + "_first", Convolution(in, out, 3, stride)),
                register_module(name + "_second", Convolution(out, out, 3, 1)), nullptr};
    if (i > 0) block.skip = register_module(name + "_skip", Convolution(in, out, 1, stride));
    torch::NoGradGuard guard;
    block.second->gain.zero_();  // blocks begin as what they skip (Goyal et al. 2017)
    blocks.push_back(block);
    in = out;
  }
  embedding_weight = register_parameter("embedding_weight", torch::randn({o.embedding, 2 * in}) / std::sqrt(2.0 * in));
  embedding_bias = register_parameter("embedding_bias", torch::zeros({o.embedding}));
}

std::vector<torch::Tensor> CnnModuleImpl::stages(const torch::Tensor& input, Statistics statistics) {
  std::vector<torch::Tensor> out;
  auto x = input.unsqueeze(1).contiguous(at::MemoryFormat::ChannelsLast);
  x = torch::relu(stem->forward(x, statistics));
  for (Block& block : blocks) {
    const auto y = block.second->forward(torch::relu(block.first->forward(x, statistics)), statistics);
    x = torch::relu(y + (block.skip ? block.skip->forward(x, statistics) : x));
    out.push_back(x);
  }
  const auto pooled = torch::cat({x.mean({2, 3}), x.amax({2, 3})}, 1);
  out.push_back(torch::linear(pooled, embedding_weight, embedding_bias));
  return out;
}

torch::Tensor CnnModuleImpl::forward(const torch::Tensor& x, Statistics statistics) {
  return stages(x, statistics).back();
}

std::vector<std::pair<std::string, Convolution>> CnnModuleImpl::convolutions() {
  std::vector<std::pair<std::string, Convolution>> all{{"stem", stem}};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string name = fmt::format("block{}.", i);
    all.emplace_back(name + "first", blocks[i].first);
    all.emplace_back(name + "second", blocks[i].second);
    if (blocks[i].skip) all.emplace_back(name + "skip", blocks[i].skip);
  }
  return all;
}

void CnnModuleImpl::forget_statistics() {
  for (auto& [name, convolution] : convolutions()) convolution->measured = 0;
}

void CnnModuleImpl::put(Safetensors& file, const std::string& prefix) {
  torch::NoGradGuard guard;
  for (auto& [name, convolution] : convolutions()) {
    const auto [weight, bias] = convolution->folded();
    store(file, prefix + name + ".weight", weight);
    store(file, prefix + name + ".bias", bias);
  }
  store(file, prefix + "embedding.weight", embedding_weight);
  store(file, prefix + "embedding.bias", embedding_bias);
}

void CnnModuleImpl::load(const Safetensors& file, const std::string& prefix) {
  torch::NoGradGuard guard;
  for (auto& [name, convolution] : convolutions()) {
    fetch(file, prefix + name + ".weight", convolution->weight);
    fetch(file, prefix + name + ".bias", convolution->bias);
    convolution->gain.fill_(1);
    convolution->mean.zero_();
    convolution->variance.fill_(1 - kEpsilon);
  }
  fetch(file, prefix + "embedding.weight", embedding_weight);
  fetch(file, prefix + "embedding.bias", embedding_bias);
}

}  // namespace euterpe
