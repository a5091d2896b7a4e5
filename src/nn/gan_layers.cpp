#include <torch/torch.h>

#include <cmath>

#include "nn/gan_layers_module.hpp"

namespace euterpe {

torch::Tensor pixel_norm(const torch::Tensor& x) { return x * torch::rsqrt(x.square().mean(-1, true) + 1e-6); }

torch::Tensor binary_neurons(const torch::Tensor& logits, double slope, const torch::Tensor& thresholds) {
  const torch::Tensor soft = torch::sigmoid(logits * slope);
  const torch::Tensor hard = thresholds.defined() ? (torch::sigmoid(logits.detach()) > thresholds).to(soft.dtype())
                                                  : (logits.detach() > 0).to(soft.dtype());
  return soft + (hard - soft).detach();
}

torch::Tensor one_of_many(const torch::Tensor& logits, double slope, const torch::Tensor& thresholds) {
  const torch::Tensor soft = torch::softmax(logits * slope, -1);
  torch::Tensor scores = logits.detach();
  if (thresholds.defined()) scores = scores - torch::log(-torch::log(thresholds.clamp(1e-6, 1 - 1e-6)));
  const torch::Tensor hard = torch::zeros_like(soft).scatter_(-1, scores.argmax(-1, true), 1.0);
  return soft + (hard - soft).detach();
}

torch::Tensor three_in_time(const torch::Tensor& x, std::int64_t dilation) {
  const std::int64_t t = x.size(1);
  const torch::Tensor padded = torch::constant_pad_nd(x, {0, 0, dilation, dilation});
  return torch::cat({padded.narrow(1, 0, t), x, padded.narrow(1, 2 * dilation, t)}, -1);
}

SpectralWeight::SpectralWeight(torch::Tensor weight, torch::Tensor u, bool held)
    : weight_(std::move(weight)), u_(std::move(u)), held_(held) {
  constexpr int kFirst = 20;  // so that the first step meets a norm that is nearly right
  for (int i = 0; i < kFirst && held_; ++i) refresh(true);
  refresh(false);
}

void SpectralWeight::refresh(bool iterate) {
  now_ = weight_;
  if (!held_) return;
  const torch::Tensor matrix = weight_.flatten(1);
  torch::Tensor v;
  {
    torch::NoGradGuard guard;
    const auto unit = [](const torch::Tensor& x) { return x / (x.norm() + 1e-12); };
    v = unit(torch::mv(matrix.t(), u_));
    if (iterate) {
      u_.copy_(unit(torch::mv(matrix, v)));
      v = unit(torch::mv(matrix.t(), u_));
    }
  }
  now_ = weight_ / torch::dot(u_.clone(), torch::mv(matrix, v));
}

torch::Tensor SpectralModule::Layer::operator()(const torch::Tensor& x) const {
  return torch::linear(x, weight->now(), bias);
}

SpectralModule::Layer SpectralModule::layer(const std::string& name, std::vector<std::int64_t> shape) {
  std::int64_t in = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) in *= shape[i];
  const std::int64_t out = shape.front();
  const torch::Tensor weight =
      register_parameter(name + "_weight", torch::randn(shape) / std::sqrt(static_cast<double>(in)));
  const torch::Tensor bias = register_parameter(name + "_bias", torch::zeros({out}));
  torch::Tensor u;
  if (held_) u = register_buffer(name + "_u", torch::nn::functional::normalize(torch::randn({1, out})).squeeze(0));
  weights_.push_back(std::make_unique<SpectralWeight>(weight, u, held_));
  names_.push_back(name);
  return {weights_.back().get(), bias};
}

void SpectralModule::refresh(bool iterate) {
  for (const auto& weight : weights_) weight->refresh(iterate);
}

std::vector<std::pair<std::string, torch::Tensor>> SpectralModule::acting_parameters() const {
  std::vector<std::pair<std::string, torch::Tensor>> out;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    out.emplace_back(names_[i] + "_weight", weights_[i]->now().detach());
    out.emplace_back(names_[i] + "_bias", named_parameters()[names_[i] + "_bias"].detach());
  }
  return out;
}

PairJudge::PairJudge(const MakeLayer& layer, std::int64_t seen, std::int64_t pair_width, std::int64_t condition)
    : out_(layer("out", {1, seen})),
      project_(layer("project", {seen, condition})),
      pair_(layer("pair", {pair_width, 3 * seen + condition})),
      pair_out_(layer("pair_out", {1, pair_width})) {}

torch::Tensor PairJudge::operator()(const torch::Tensor& seen, const torch::Tensor& condition) const {
  constexpr double kLeak = 0.2;
  const std::int64_t pairs = seen.size(0) / 2;
  const torch::Tensor phrase = out_(seen).squeeze(1) + (project_(condition) * seen).sum(1);
  const torch::Tensor two = seen.view({pairs, 2, seen.size(1)});
  const torch::Tensor a = two.select(1, 0), b = two.select(1, 1);
  const torch::Tensor both = torch::cat({a + b, (a - b).abs(), a * b, condition.view({pairs, 2, -1}).mean(1)}, 1);
  return torch::cat({phrase, pair_out_(torch::leaky_relu(pair_(both), kLeak)).squeeze(1)});
}

torch::Tensor with_minibatch_deviation(const torch::Tensor& x, const torch::Tensor& groups) {
  const torch::Tensor members = groups.sum(0).clamp_min(1).unsqueeze(1);
  const torch::Tensor mean = torch::mm(groups.t(), x) / members;
  const torch::Tensor off = x - torch::mm(groups, mean);
  const torch::Tensor deviation = (torch::mm(groups.t(), off.square()) / members + 1e-8).sqrt().mean(1, true);
  return torch::cat({x, torch::mm(groups, deviation)}, 1);
}

}  // namespace euterpe
