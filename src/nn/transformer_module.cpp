#include <torch/torch.h>

#include "nn/transformer_module.hpp"

#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Rotates pairs (i, i + half) by the angle of the position.
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cosine, const torch::Tensor& sine) {
  const auto halves = x.chunk(2, -1);
  return torch::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, -1);
}

}  // namespace

torch::Tensor fast_dropout(const torch::Tensor& x, double rate, Random& random) {
  const Dropout dropout = Dropout::draw(rate, random);
  return dropped(x, {}, &dropout);
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
  if (!random) return run(x, cosine, sine, mask, nullptr);
  const Dropout masks = Dropout::draw(dropout, *random);
  return run(x, cosine, sine, mask, &masks);
}

torch::Tensor TransformerBlockImpl::through(const torch::Tensor& given,
                                            const std::function<torch::Tensor(const torch::Tensor&)>& attend,
                                            const Dropout* dropout) {
  const auto batch = given.size(0), time = given.size(1), heads = std::int64_t{options.heads},
             head = given.size(2) / heads;
  auto add = [&](const torch::Tensor& branch, const torch::Tensor& x, std::uint64_t place) {
    if (!dropout) return x + branch;
    const Dropout mine = dropout->at(place);
    return dropped(branch, x, &mine);
  };
  const auto parts =
      mixed_linear(fused_norm(given, attention_norm, compute.bf16), qkv).view({batch, time, 3, heads, head});
  const auto x = add(mixed_linear(attend(parts), attention_out), given, 0);
  const auto gates = mixed_linear(fused_norm(x, ff_norm, compute.bf16), ff_in);
  return add(mixed_linear(fused_swiglu(gates), ff_out), x, 1);
}

torch::Tensor TransformerBlockImpl::run(const torch::Tensor& given, const torch::Tensor& cosine,
                                        const torch::Tensor& sine, const torch::Tensor& mask, const Dropout* dropout) {
  const auto attend = [&](const torch::Tensor& parts) {
    if (!mask.defined()) return causal_attention(parts, cosine, sine);
    const auto split = parts.permute({2, 0, 3, 1, 4});
    const auto q = rotate(split[0], cosine, sine) * (1.0 / std::sqrt(static_cast<double>(parts.size(4))));
    const auto k = rotate(split[1], cosine, sine);
    const auto weights = torch::softmax(torch::matmul(q, k.transpose(-2, -1)) + mask, -1);
    return torch::matmul(weights, split[2]).transpose(1, 2).reshape(given.sizes());
  };
  return through(given, attend, dropout);
}

torch::Tensor TransformerBlockImpl::run_ragged(const torch::Tensor& x, const torch::Tensor& begins,
                                               const torch::Tensor& cosine, const torch::Tensor& sine,
                                               const Dropout* dropout) {
  const auto attend = [&](const torch::Tensor& parts) {
    return ragged_causal_attention(parts.squeeze(0), begins, cosine, sine).unsqueeze(0);
  };
  return through(x.unsqueeze(0), attend, dropout).squeeze(0);
}

TransformerModuleImpl::TransformerModuleImpl(const TransformerOptions& o) : options(o), angles(o) {
  embedding = register_parameter("embedding", torch::randn({o.vocabulary, o.d_model}) * 0.02);
  for (int i = 0; i < o.layers; ++i)
    blocks.push_back(register_module("block" + std::to_string(i), TransformerBlock(o)));
  final_norm = register_parameter("final_norm", torch::ones({o.d_model}));
}

void TransformerModuleImpl::set_compute(const TransformerCompute& c) {
  compute = c;
  for (auto& block : blocks) block->compute = c;
}

torch::Tensor TransformerModuleImpl::forward(const torch::Tensor& tokens, Random* random, std::int64_t first_row,
                                             std::span<const MusicPlace> places) {
  const auto batch = tokens.size(0), time = tokens.size(1), pairs = std::int64_t{angles.pairs()};
  EUTERPE_ASSERT(time <= options.context);
  EUTERPE_ASSERT(places.empty() || static_cast<std::int64_t>(places.size()) == batch * time);
  const std::int64_t tables = places.empty() ? 1 : batch;
  torch::Tensor cosine = torch::empty({tables, time, pairs}), sine = torch::empty_like(cosine);
  for (std::int64_t i = 0; i < tables * time; ++i)
    angles.turn(static_cast<int>(i % time), places.empty() ? MusicPlace{} : places[static_cast<std::size_t>(i)],
                cosine.data_ptr<float>() + i * pairs, sine.data_ptr<float>() + i * pairs);
  if (places.empty()) cosine = cosine[0], sine = sine[0];
  cosine = cosine.to(embedding.device());
  sine = sine.to(embedding.device());
  auto x = read(tokens, embedding);
  const Dropout dropout = random ? Dropout::draw(options.dropout, *random, first_row) : Dropout{};
  x = dropped(x, {}, random ? &dropout : nullptr);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    // By value: the pass runs once more when this function has long returned.
    auto pass = [block = blocks[i], cosine, sine, masks = dropout.at(i + 2),
                 dropping = random != nullptr](const torch::Tensor& in) mutable {
      return block->run(in, cosine, sine, {}, dropping ? &masks : nullptr);
    };
    x = compute.checkpoint ? recomputed(x, pass) : pass(x);
  }
  return mixed_linear(fused_norm(x, final_norm, compute.bf16), embedding);
}

torch::Tensor TransformerModuleImpl::read(const torch::Tensor& tokens, const torch::Tensor& table) const {
  const auto x = torch::embedding(table, tokens) * std::sqrt(static_cast<double>(options.d_model));
  // A GPU keeps everything between the weights in bf16; a CPU gains by the products alone.
  return compute.bf16 && x.is_cuda() ? x.to(torch::kBFloat16) : x;
}

torch::Tensor TransformerModuleImpl::run_ragged(torch::Tensor x, const torch::Tensor& begins, const Dropout* dropout) {
  const auto longest = begins.numel() > 1 ? begins.diff().max().item<std::int64_t>() : 0,
             pairs = std::int64_t{angles.pairs()};
  EUTERPE_ASSERT(longest <= options.context);
  torch::Tensor cosine = torch::empty({longest, pairs}), sine = torch::empty_like(cosine);
  for (std::int64_t i = 0; i < longest; ++i)
    angles.turn(static_cast<int>(i), {}, cosine.data_ptr<float>() + i * pairs, sine.data_ptr<float>() + i * pairs);
  cosine = cosine.to(embedding.device());
  sine = sine.to(embedding.device());
  x = dropped(x.unsqueeze(0), {}, dropout).squeeze(0);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Dropout masks = dropout ? dropout->at(i + 2) : Dropout{};
    x = blocks[i]->run_ragged(x, begins, cosine, sine, dropout ? &masks : nullptr);
  }
  return fused_norm(x, final_norm, compute.bf16);
}

torch::Tensor TransformerModuleImpl::loss(const torch::Tensor& tokens, std::int64_t pad, Random* random,
                                          std::int64_t first_row, std::span<const MusicPlace> places,
                                          const StressedHead& head) {
  const auto length = tokens.size(1);
  const auto logits = forward(tokens.slice(1, 0, length - 1), random, first_row, places);
  const auto nats = [&](const torch::Tensor& of, std::int64_t first) {
    return consume_cross_entropy(of, tokens.slice(1, 1, 1 + first).reshape({-1}), pad);
  };
  const auto items = [&](std::int64_t first) { return (tokens.slice(1, 1, 1 + first) != pad).sum().clamp_min(1); };
  torch::Tensor stressed;
  if (const auto first = std::min(head.tokens, length - 1); head.weight > 0 && first > 0)
    stressed = nats(logits.slice(1, 0, first).clone().reshape({-1, logits.size(-1)}), first) *
               (head.weight * items(first) / items(length - 1));
  const torch::Tensor all = nats(logits.reshape({-1, logits.size(-1)}), length - 1);
  return stressed.defined() ? all + (stressed - stressed.detach()) : all;
}

}  // namespace euterpe
