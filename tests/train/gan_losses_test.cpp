#include <torch/torch.h>

#include "train/gan_losses_module.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Logits whose probabilities are 0.9 and 0.6 for real, 0.2 and 0.3 for fake samples.
torch::Tensor logits(double a, double b) {
  return torch::tensor({static_cast<float>(std::log(a / (1 - a))), static_cast<float>(std::log(b / (1 - b)))});
}
const double kLogReal = (std::log(0.9) + std::log(0.6)) / 2;  // E[log D(x)]
const double kLogRest = (std::log(0.8) + std::log(0.7)) / 2;  // E[log(1 − D(G(z)))]
const double kLogFake = (std::log(0.2) + std::log(0.3)) / 2;  // E[log D(G(z))]

TEST(GanLosses, are_the_formulas_on_numbers_worked_by_hand) {
  const torch::Tensor real = logits(0.9, 0.6), fake = logits(0.2, 0.3);
  for (const GanLoss loss : {GanLoss::minimax, GanLoss::nonsaturating})
    EXPECT_NEAR(discriminator_loss(loss, real, fake).item<double>(), -0.5 * (kLogReal + kLogRest), 1e-6);
  EXPECT_NEAR(generator_loss(GanLoss::minimax, fake).item<double>(), 0.5 * kLogRest, 1e-6);
  EXPECT_NEAR(generator_loss(GanLoss::nonsaturating, fake).item<double>(), -kLogFake, 1e-6);
  const torch::Tensor r = torch::tensor({2.0F, 0.5F, -1.0F}), f = torch::tensor({-3.0F, 0.0F, 1.0F});
  // Hinge: (0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3.
  EXPECT_NEAR(discriminator_loss(GanLoss::hinge, r, f).item<double>(), 5.5 / 3, 1e-6);
  EXPECT_NEAR(generator_loss(GanLoss::hinge, f).item<double>(), 2.0 / 3, 1e-6);
  EXPECT_NEAR(discriminator_loss(GanLoss::wgan, r, f).item<double>(), -2.0 / 3 - 0.5, 1e-6);
  EXPECT_NEAR(generator_loss(GanLoss::wgan, f).item<double>(), 2.0 / 3, 1e-6);
}

TEST(GanLosses, stay_finite_and_keep_a_gradient_where_the_discriminator_is_sure) {
  const torch::Tensor fake = torch::full({1}, -200.0F).set_requires_grad(true);
  const torch::Tensor loss = generator_loss(GanLoss::nonsaturating, fake);
  EXPECT_NEAR(loss.item<double>(), 200, 1e-3);
  loss.backward();
  EXPECT_NEAR(fake.grad().item<double>(), -1, 1e-6);
  const torch::Tensor same = torch::full({1}, -200.0F).set_requires_grad(true);
  generator_loss(GanLoss::minimax, same).backward();
  EXPECT_NEAR(same.grad().item<double>(), 0, 1e-6);  // it saturates: why the other loss exists
}

TEST(GradientPenalty, is_0_for_a_linear_critic_of_slope_1_and_the_square_of_the_distance_else) {
  torch::manual_seed(1);
  torch::Tensor direction = torch::randn({12});
  direction /= direction.norm();
  const torch::Tensor real = torch::randn({5, 3, 4}), fake = torch::randn({5, 3, 4}), mix = torch::rand({5});
  const auto line = [&](double slope) {
    return [=](const torch::Tensor& x) { return torch::mv(x.flatten(1), direction) * slope; };
  };
  EXPECT_NEAR(gradient_penalty(line(1), real, fake, mix).item<double>(), 0, 1e-6);
  EXPECT_NEAR(gradient_penalty(line(3), real, fake, mix).item<double>(), 4, 1e-4);
  EXPECT_NEAR(gradient_penalty(line(0.5), real, fake, mix).item<double>(), 0.25, 1e-5);
  EXPECT_NEAR(real_gradient_penalty(line(3), real, 5).item<double>(), 4.5, 1e-4);
  // Two rows a sample: the norm is over both.
  const torch::Tensor two = torch::randn({6, 4});
  const Critic sum = [](const torch::Tensor& x) { return x.sum(1) / std::sqrt(8.0); };
  EXPECT_NEAR(gradient_penalty(sum, two, two, torch::rand({3})).item<double>(), 0, 1e-6);
}

TEST(GradientPenalty, can_be_differentiated_for_the_critics_weights) {
  const torch::Tensor weight = torch::full({1, 4}, 2.0F).set_requires_grad(true);  // norm 4
  const Critic critic = [&](const torch::Tensor& x) { return torch::linear(x, weight); };
  const torch::Tensor x = torch::randn({3, 4});
  gradient_penalty(critic, x, x + 1, torch::rand({3})).backward();
  // d (‖w‖ − 1)² / dw = 2 (‖w‖ − 1) w / ‖w‖ = 2 · 3 · 2 / 4.
  EXPECT_NEAR(weight.grad()[0][0].item<double>(), 3, 1e-4);
}

TEST(GanLosses, an_unknown_name_is_refused_with_those_that_are_known) {
  EXPECT_EQ(gan_loss("wgan"), GanLoss::wgan);
  try {
    gan_loss("sliced");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(std::string(e.hint()).find("nonsaturating"), std::string::npos);
  }
}

}  // namespace
}  // namespace euterpe
