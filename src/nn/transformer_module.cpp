#include <torch/torch.h>

#include "nn/transformer_module.hpp"

#include <cmath>

namespace euterpe {
namespace {

torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight) {
  return x * torch::rsqrt(x.square().mean(-1, true) + kNormEpsilon) * weight;
}

/// Rotates pairs (i, i + half) by the angle of the position.
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cosine, const torch::Tensor& sine) {
  const auto halves = x.chunk(2, -1);
  return torch::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, -1);
}

}  // namespace

torch::Tensor fast_dropout(const torch::Tensor& x, double rate, Random& random) {
  const int threshold = static_cast<int>(std::lround(rate * 256));
  if (threshold <= 0) return x;
  torch::Tensor mask = torch::empty(x.sizes(), torch::kFloat32);
  float* out = mask.data_ptr<float>();
  const std::int64_t n = mask.numel();
  const float keep = 256.0f / static_cast<float>(256 - threshold);
  for (std::int64_t i = 0; i < n; i += 8) {
    const std::uint64_t word = random.next();
    const std::int64_t end = std::min<std::int64_t>(8, n - i);
    for (std::int64_t k = 0; k < end; ++k)
      out[i + k] = static_cast<int>((word >> (8 * k)) & 0xff) < threshold ? 0.0f : keep;
  }
  return x * mask.to(x.device(), x.scalar_type());
}

TransformerBlockImpl::TransformerBlockImpl(const TransformerOptions& o) : options(o) {
  const std::int64_t d = o.d_model, ff = o.ff;
  const double scale = 0.02, residual = 0.02 / std::sqrt(2.0 * o.layers);
  attention_norm = register_parameter("attention_norm", torch::ones({d}));
  qkv = register_parameter("qkv", torch::randn({3 * d, d}) * scale);
  attention_out = register_parameter("attention_out", torch::randn({d, d}) * residual);
  ff_norm = register_parameter("ff_norm", torch::ones({d}));
  ff_in = register_parameter("ff_in", torch::randn({2 * ff, d}) * scale);
  ff_out = register_parameter("ff_out", torch::randn({d, ff}) * residual);
}

torch::Tensor TransformerBlockImpl::forward(torch::Tensor x, const torch::Tensor& cosine, const torch::Tensor& sine,
                                            const torch::Tensor& mask, double dropout, Random* random) {
  const auto batch = x.size(0), time = x.size(1), heads = std::int64_t{options.heads}, head = x.size(2) / heads;
  auto drop = [&](torch::Tensor t) { return random ? fast_dropout(t, dropout, *random) : t; };
  const auto parts =
      torch::linear(rms_norm(x, attention_norm), qkv).view({batch, time, 3, heads, head}).permute({2, 0, 3, 1, 4});
  const auto q = rotate(parts[0], cosine, sine) * (1.0 / std::sqrt(static_cast<double>(head)));
  const auto k = rotate(parts[1], cosine, sine);
  const auto weights = torch::softmax(torch::matmul(q, k.transpose(-2, -1)) + mask, -1);
  const auto mixed = torch::matmul(weights, parts[2]).transpose(1, 2).reshape({batch, time, x.size(2)});
  x = x + drop(torch::linear(mixed, attention_out));
  const auto gates = torch::linear(rms_norm(x, ff_norm), ff_in).chunk(2, -1);
  return x + drop(torch::linear(torch::silu(gates[0]) * gates[1], ff_out));
}

TransformerModuleImpl::TransformerModuleImpl(const TransformerOptions& o) : options(o) {
  embedding = register_parameter("embedding", torch::randn({o.vocabulary, o.d_model}) * 0.02);
  for (int i = 0; i < o.layers; ++i)
    blocks.push_back(register_module("block" + std::to_string(i), TransformerBlock(o)));
  final_norm = register_parameter("final_norm", torch::ones({o.d_model}));
}

torch::Tensor TransformerModuleImpl::forward(const torch::Tensor& tokens, Random* random) {
  const auto time = tokens.size(1), half = std::int64_t{options.d_model} / options.heads / 2;
  const auto on = embedding.options();
  const auto frequency =
      torch::pow(kRopeBase, -torch::arange(half, on.requires_grad(false)) / static_cast<double>(half));
  const auto angle = torch::outer(torch::arange(time, on.requires_grad(false)), frequency);
  const auto cosine = angle.cos(), sine = angle.sin();
  const auto mask = torch::full({time, time}, -INFINITY, on.requires_grad(false)).triu(1);
  auto x = torch::embedding(embedding, tokens) * std::sqrt(static_cast<double>(options.d_model));
  if (random) x = fast_dropout(x, options.dropout, *random);
  for (auto& block : blocks) x = block->forward(x, cosine, sine, mask, options.dropout, random);
  return torch::linear(rms_norm(x, final_norm), embedding);
}

}  // namespace euterpe
