#include <torch/torch.h>

#include "train/adamw_module.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

/// Elements a thread takes at a time; the norm is summed in this order.
constexpr std::int64_t kSpan = 1 << 16;
constexpr double kEpsilon = 1e-8;

struct Factors {
  float beta1, beta2, shrink, keep, rate, second, decay;
};

/// One pass over everything a weight has: moments, the weight, its average, its gradient back to 0.
EUTERPE_HOT void update_span(float* value, float* grad, float* first, float* second, float* average, std::int64_t n,
                             const Factors& f) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = grad[i] * f.shrink;
    first[i] = first[i] * f.beta1 + g * (1 - f.beta1);
    second[i] = second[i] * f.beta2 + g * g * (1 - f.beta2);
    value[i] = value[i] * f.keep - f.rate * first[i] / (std::sqrt(second[i] * f.second) + static_cast<float>(kEpsilon));
    if (average) average[i] = average[i] * f.decay + value[i] * (1 - f.decay);
    grad[i] = 0;
  }
}

EUTERPE_HOT double square_sum(const float* x, std::int64_t n) {
  double lanes[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; ++k) lanes[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

AdamW::AdamW(const Named& parameters) {
  EUTERPE_ASSERT(!parameters.empty());
  torch::NoGradGuard guard;
  std::int64_t total = 0;
  places_.resize(parameters.size());
  // Matrices first: weight decay is then one span.
  for (const bool matrix : {true, false}) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, tensor] = parameters[i];
      if ((tensor.dim() > 1) != matrix) continue;
      EUTERPE_ASSERT(tensor.scalar_type() == torch::kFloat32 && tensor.is_leaf());
      places_[i] = {name, tensor.sizes().vec(), total, tensor.numel()};
      total += tensor.numel();
    }
    if (matrix) matrices_ = total;
  }
  const auto on = parameters.front().second.options().requires_grad(false);
  value = torch::empty({total}, on);
  gradient_ = torch::zeros({total}, on);
  const Named values = views(value), gradients = views(gradient_);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor tensor = parameters[i].second;
    torch::Tensor mine = values[i].second;
    mine.copy_(tensor.detach());
    tensor.set_data(mine);
    tensor.mutable_grad() = gradients[i].second;
  }
  first = torch::zeros_like(value);
  second = torch::zeros_like(value);
  average = value.clone();
}

AdamW::Named AdamW::views(const torch::Tensor& flat) const {
  Named out;
  for (const Place& p : places_) out.emplace_back(p.name, flat.narrow(0, p.begin, p.size).view(p.shape));
  return out;
}

double AdamW::gradient_norm() const {
  if (!gradient_.is_cpu()) return std::sqrt(gradient_.to(torch::kFloat64).square().sum().item<double>());
  const std::int64_t n = gradient_.numel();
  std::vector<double> sums(static_cast<std::size_t>((n + kSpan - 1) / kSpan));
  at::parallel_for(0, static_cast<std::int64_t>(sums.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      sums[static_cast<std::size_t>(s)] =
          square_sum(gradient_.data_ptr<float>() + s * kSpan, std::min(kSpan, n - s * kSpan));
  });
  double sum = 0;
  for (double s : sums) sum += s;
  return std::sqrt(sum);
}

void AdamW::step(const AdamWStep& how, double norm) {
  torch::NoGradGuard guard;
  const double t = static_cast<double>(how.number);
  const double shrink = how.clip > 0 && norm > how.clip ? how.clip / norm : 1.0;
  const double c1 = 1 - std::pow(how.beta1, t), c2 = 1 - std::pow(how.beta2, t);
  // The average starts short-sighted and lengthens, so that it does not drag the random start along.
  const double decay = std::min(how.ema, (1 + t) / (10 + t));
  const std::int64_t n = gradient_.numel();
  for (const auto& [begin, end, weight_decay] :
       {std::tuple{std::int64_t{0}, matrices_, how.weight_decay}, std::tuple{matrices_, n, 0.0}}) {
    const double keep = 1 - how.rate * weight_decay;
    if (gradient_.is_cpu()) {
      const Factors f{static_cast<float>(how.beta1), static_cast<float>(how.beta2),     static_cast<float>(shrink),
                      static_cast<float>(keep),      static_cast<float>(how.rate / c1), static_cast<float>(1 / c2),
                      static_cast<float>(decay)};
      const std::int64_t from = begin, to = end;
      at::parallel_for(0, (to - from + kSpan - 1) / kSpan, 1, [&](std::int64_t low, std::int64_t high) {
        for (std::int64_t s = low; s < high; ++s) {
          const std::int64_t at = from + s * kSpan;
          update_span(value.data_ptr<float>() + at, gradient_.data_ptr<float>() + at, first.data_ptr<float>() + at,
                      second.data_ptr<float>() + at, how.ema > 0 ? average.data_ptr<float>() + at : nullptr,
                      std::min(kSpan, to - at), f);
        }
      });
      continue;
    }
    auto part = [&](const torch::Tensor& flat) { return flat.narrow(0, begin, end - begin); };
    torch::Tensor g = part(gradient_).mul_(shrink), v = part(value), m = part(first), s = part(second);
    m.mul_(how.beta1).add_(g, 1 - how.beta1);
    s.mul_(how.beta2).addcmul_(g, g, 1 - how.beta2);
    v.mul_(keep).addcdiv_(m, (s / c2).sqrt_().add_(kEpsilon), -how.rate / c1);
    if (how.ema > 0) part(average).mul_(decay).add_(v, 1 - decay);
    g.zero_();
  }
}

}  // namespace euterpe
