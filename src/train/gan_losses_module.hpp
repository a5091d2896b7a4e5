#pragma once
/// Losses of two players and the gradient penalties.
#include <torch/torch.h>

#include <functional>
#include <span>
#include <string_view>

namespace euterpe {

/// With D = sigmoid of a logit:
///  - minimax (Goodfellow et al. 2014, equation 1): L_D = −½ (E[log D(x)] + E[log(1 − D(G(z)))]), L_G = −L_D, of which
///    only ½ E[log(1 − D(G(z)))] depends on the generator;
///  - non-saturating (there, section 3): the same L_D, L_G = −E[log D(G(z))];
///  - hinge (Lim and Ye 2017): L_D = E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))], L_G = −E[D(G(z))], D the logit;
///  - Wasserstein (Arjovsky et al. 2017): L_D = E[D(G(z))] − E[D(x)], L_G = −E[D(G(z))], D the logit.
enum class GanLoss { minimax, nonsaturating, hinge, wgan };
std::span<const char* const> gan_loss_names();
/// Error{usage} listing them.
GanLoss gan_loss(std::string_view name);

/// \param real, fake logits of any shape
torch::Tensor discriminator_loss(GanLoss loss, const torch::Tensor& real, const torch::Tensor& fake);
torch::Tensor generator_loss(GanLoss loss, const torch::Tensor& fake);

using Critic = std::function<torch::Tensor(const torch::Tensor&)>;
/// E[(‖∇D(x̂)‖ − 1)²], x̂ between a real and a fake sample (Gulrajani et al. 2017, equation 3).
/// Logits of one sample are summed. Where `real` has several rows a sample, they are one after the other.
/// \param mix [samples] places between fake (0) and real (1)
torch::Tensor gradient_penalty(const Critic& critic, const torch::Tensor& real, const torch::Tensor& fake,
                               const torch::Tensor& mix);
/// ½ E[‖∇D(x)‖²] at real samples (Mescheder et al. 2018, R₁). \param samples over how many the norm is taken
torch::Tensor real_gradient_penalty(const Critic& critic, const torch::Tensor& real, std::int64_t samples);

}  // namespace euterpe
