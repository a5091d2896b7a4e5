#include <torch/torch.h>

#include "train/adamw_module.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace euterpe {
namespace {

TEST(AdamW, walks_with_libtorchs_own) {
  at::set_num_threads(1);
  torch::manual_seed(3);
  // A vector before and between the matrices, and more than one span of elements.
  const AdamW::Named mine{{"offset", torch::randn({7}).set_requires_grad(true)},
                          {"wide", torch::randn({300, 301}).set_requires_grad(true)},
                          {"bias", torch::randn({300}).set_requires_grad(true)},
                          {"narrow", torch::randn({7, 300}).set_requires_grad(true)}};
  std::vector<torch::Tensor> matrices, vectors, theirs;
  for (const auto& [name, t] : mine) {
    theirs.push_back(t.detach().clone().set_requires_grad(true));
    (t.dim() > 1 ? matrices : vectors).push_back(theirs.back());
  }
  using torch::optim::AdamWOptions;
  auto how = [](double decay) {
    auto o = std::make_unique<AdamWOptions>(0.01);
    o->betas({0.9, 0.98}).weight_decay(decay);
    return o;
  };
  torch::optim::AdamW expected(std::vector<torch::optim::OptimizerParamGroup>{{matrices, how(0.1)}, {vectors, how(0)}},
                               AdamWOptions(0.01));
  AdamW optimizer(mine);
  const torch::Tensor x = torch::randn({5, 301});
  auto loss = [&](const torch::Tensor& offset, const torch::Tensor& wide, const torch::Tensor& bias,
                  const torch::Tensor& narrow) {
    return (torch::linear(torch::tanh(torch::linear(x, wide, bias)), narrow, offset)).square().mean();
  };
  torch::Tensor average = mine[1].second.detach().clone();
  for (int i = 1; i <= 5; ++i) {
    loss(mine[0].second, mine[1].second, mine[2].second, mine[3].second).backward();
    expected.zero_grad();
    loss(theirs[0], theirs[1], theirs[2], theirs[3]).backward();
    const double norm = optimizer.gradient_norm();
    double square = 0;
    for (const auto& t : theirs) square += t.grad().square().sum().item<double>();
    EXPECT_NEAR(norm, std::sqrt(square), 1e-3 * norm);
    torch::NoGradGuard guard;
    for (auto& t : theirs) t.mutable_grad().mul_(std::min(1.0, 2.0 / norm));
    expected.step();
    optimizer.step({.rate = 0.01, .weight_decay = 0.1, .clip = 2, .ema = 0.5, .number = i}, norm);
    for (std::size_t k = 0; k < mine.size(); ++k) {
      // Adam divides small gradients by themselves, so rounding shows; a wrong rate or decay is ten times this off.
      EXPECT_LT((mine[k].second - theirs[k]).abs().max().item<double>(), 1e-4) << mine[k].first << " at " << i;
      EXPECT_EQ(mine[k].second.grad().abs().max().item<double>(), 0);
    }
    const double decay = std::min(0.5, (1.0 + i) / (10.0 + i));
    average = average * decay + mine[1].second.detach() * (1 - decay);
    EXPECT_TRUE(torch::allclose(optimizer.views(optimizer.average)[1].second, average, 1e-4, 1e-5));
  }
  EXPECT_EQ(optimizer.views(optimizer.value)[3].first, "narrow");
}

}  // namespace
}  // namespace euterpe
