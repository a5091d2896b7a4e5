#include <torch/torch.h>

#include "train/next_item_losses_module.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace euterpe {
namespace {

using torch::Tensor;

struct Problem {
  Tensor hidden, embedding, targets;
  Problem() {
    torch::manual_seed(1);
    // More steps than the blocks in which scores are made, and steps that share a target.
    hidden = torch::randn({700, 24}).set_requires_grad(true);
    embedding = torch::randn({90, 24}).set_requires_grad(true);
    targets = torch::randint(90, {700}, torch::kInt64);
  }
};

/// Value and both gradients of `ours` are those that libtorch finds for `theirs`.
void expect_same(Problem& p, const Tensor& ours, const Tensor& theirs) {
  EXPECT_NEAR(ours.item<double>(), theirs.item<double>(), 1e-4 * std::abs(theirs.item<double>()));
  (2.5 * ours).backward();
  const Tensor dhidden = p.hidden.grad().clone(), dembedding = p.embedding.grad().clone();
  p.hidden.mutable_grad().zero_();
  p.embedding.mutable_grad().zero_();
  (2.5 * theirs).backward();
  EXPECT_TRUE(torch::allclose(dhidden, p.hidden.grad(), 1e-3, 1e-6));
  EXPECT_TRUE(torch::allclose(dembedding, p.embedding.grad(), 1e-3, 1e-6));
}

TEST(NextItemLosses, softmax_is_cross_entropy_over_all_items) {
  Problem p;
  const Tensor theirs = torch::nn::functional::cross_entropy(torch::mm(p.hidden, p.embedding.t()), p.targets);
  expect_same(p, softmax_loss(p.hidden, p.embedding, p.targets), theirs);
}

TEST(NextItemLosses, sampled_softmax_over_all_items_once_is_the_full_one) {
  Problem p;
  const Tensor all = torch::arange(90), evenly = torch::zeros({90});
  const Tensor theirs = torch::nn::functional::cross_entropy(torch::mm(p.hidden, p.embedding.t()), p.targets);
  expect_same(p, sampled_softmax_loss(p.hidden, p.embedding, p.targets, all, evenly), theirs);
}

TEST(NextItemLosses, sampled_softmax_takes_back_how_often_an_item_is_drawn) {
  Problem p;
  // Item 7 stands three times among the candidates and says so: the softmax is the full one still.
  const Tensor candidates = torch::cat({torch::arange(90), torch::tensor({7, 7})});
  Tensor expected = torch::zeros({90});
  expected[7] = std::log(3.0);
  torch::NoGradGuard guard;
  const Tensor others = p.targets != 7;
  const Tensor hidden = p.hidden.index({others}), targets = p.targets.index({others});
  const Tensor full = torch::nn::functional::cross_entropy(torch::mm(hidden, p.embedding.t()), targets);
  EXPECT_NEAR(sampled_softmax_loss(hidden, p.embedding, targets, candidates, expected).item<double>(),
              full.item<double>(), 1e-4);
}

TEST(NextItemLosses, binary_is_cross_entropy_of_the_target_and_each_negative) {
  for (const double beta : {1.0, 0.3}) {
    Problem p;
    const Tensor negatives = torch::randint(90, {700, 3}, torch::kInt64);
    const Tensor own = (p.hidden * p.embedding.index_select(0, p.targets)).sum(1);
    const Tensor others =
        (p.hidden.unsqueeze(1) * p.embedding.index_select(0, negatives.flatten()).view({700, 3, 24})).sum(2);
    const Tensor theirs = (beta * torch::softplus(-own) + torch::softplus(others).sum(1)).mean();
    expect_same(p, binary_loss(p.hidden, p.embedding, p.targets, negatives, beta), theirs);
  }
}

TEST(NextItemLosses, gbce_trusts_the_sample_at_0_and_makes_up_for_it_at_1) {
  EXPECT_DOUBLE_EQ(gbce_beta(256, 10001, 0), 1);
  EXPECT_NEAR(gbce_beta(256, 10001, 1), 0.0256, 1e-12);
  EXPECT_NEAR(gbce_beta(256, 10001, 0.75), 0.75 * 0.0256 + 0.25, 1e-12);
}

}  // namespace
}  // namespace euterpe
