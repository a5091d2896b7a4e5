#include <torch/torch.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/error.hpp"
#include "train/gan_losses_module.hpp"

namespace euterpe {
namespace {

constexpr std::array<const char*, 4> kNames{"minimax", "nonsaturating", "hinge", "wgan"};

/// log D and log(1 − D) of a logit, without a logarithm of 0.
torch::Tensor log_of(const torch::Tensor& logit) { return torch::log_sigmoid(logit); }
torch::Tensor log_of_rest(const torch::Tensor& logit) { return torch::log_sigmoid(-logit); }

/// [samples] square of the norm of each sample's gradient.
torch::Tensor gradient_squares(const Critic& critic, const torch::Tensor& at, std::int64_t samples) {
  const torch::Tensor logits = critic(at);
  const auto gradient = torch::autograd::grad({logits.sum()}, {at}, {}, true, true).front();
  return gradient.reshape({samples, -1}).square().sum(1);
}

}  // namespace

std::span<const char* const> gan_loss_names() { return kNames; }

GanLoss gan_loss(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return static_cast<GanLoss>(i);
  throw Error(Category::usage, "train gan", fmt::format("unknown loss \"{}\"", name),
              fmt::format("known are {}", fmt::join(kNames, ", ")));
}

torch::Tensor discriminator_loss(GanLoss loss, const torch::Tensor& real, const torch::Tensor& fake) {
  switch (loss) {
    case GanLoss::minimax:
    case GanLoss::nonsaturating:
      return -0.5 * (log_of(real).mean() + log_of_rest(fake).mean());
    case GanLoss::hinge:
      return torch::relu(1 - real).mean() + torch::relu(1 + fake).mean();
    case GanLoss::wgan:
      return fake.mean() - real.mean();
  }
  EUTERPE_ASSERT(false);
  return {};
}

torch::Tensor generator_loss(GanLoss loss, const torch::Tensor& fake) {
  if (loss == GanLoss::minimax) return 0.5 * log_of_rest(fake).mean();
  if (loss == GanLoss::nonsaturating) return -log_of(fake).mean();
  return -fake.mean();
}

torch::Tensor gradient_penalty(const Critic& critic, const torch::Tensor& real, const torch::Tensor& fake,
                               const torch::Tensor& mix) {
  const std::int64_t samples = mix.size(0);
  EUTERPE_ASSERT(real.size(0) % samples == 0);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(real.dim()), 1);
  shape[0] = real.size(0);
  const torch::Tensor share = mix.repeat_interleave(real.size(0) / samples).view(shape);
  const torch::Tensor between = (share * real + (1 - share) * fake).detach().set_requires_grad(true);
  return ((gradient_squares(critic, between, samples) + 1e-12).sqrt() - 1).square().mean();
}

torch::Tensor real_gradient_penalty(const Critic& critic, const torch::Tensor& real, std::int64_t samples) {
  return 0.5 * gradient_squares(critic, real.detach().set_requires_grad(true), samples).mean();
}

}  // namespace euterpe
