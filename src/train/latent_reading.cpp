#include "nn/random_tensor_module.hpp"
#include "train/latent_reading_module.hpp"

namespace euterpe {
namespace {

constexpr int kDrawsOfTime = 2;  // places along the flow at which a bar is learned, for one reading of its context

}  // namespace

LatentReading read_latents(const LatentPriorModule& network, const LatentBatch& drawn, const LatentHearing& hearing,
                           Random& random) {
  const torch::Device device = network->mean.device();
  std::vector<LatentWish> wishes = drawn.wishes;
  forget_wishes(wishes, random);
  const WishBatch batch = wish_batch(wishes, network->options).to(device);
  const std::int64_t pieces = batch.present.size(0), bars = batch.present.size(1), latent = network->options.latent;
  const auto z = network->standardized(
      torch::from_blob(const_cast<float*>(drawn.z.data()), {pieces, bars, latent}).clone().to(device));
  const auto heard = hearing.noise > 0 ? z + hearing.noise * normal_tensor(random, z.sizes().vec()).to(device) : z;
  const auto before = torch::constant_pad_nd(
      heard.slice(1, 0, bars - 1) * batch.present.unsqueeze(-1).slice(1, 0, bars - 1), {0, 0, 1, 0});
  const Dropout dropout = hearing.dropout > 0 ? Dropout::draw(hearing.dropout, random) : Dropout{};
  const auto said = network->context(batch, before, hearing.dropout > 0 ? &dropout : nullptr);
  const std::int64_t rows = pieces * bars;
  return {z.view({rows, latent}), said.view({rows, -1}), batch.present.view({rows, 1})};
}

torch::Tensor flow_error(const LatentPriorModule& network, const LatentReading& reading, Random& random) {
  const auto device = reading.z.device();
  const auto goal = reading.z.repeat({kDrawsOfTime, 1}), there = reading.present.repeat({kDrawsOfTime, 1});
  const auto noise = normal_tensor(random, goal.sizes().vec()).to(device);
  // Logistic-normal times: the middle of the flow is where it turns (Esser et al. 2024).
  const auto time = torch::sigmoid(normal_tensor(random, {goal.size(0)})).to(device);
  const auto t = time.unsqueeze(1);
  const auto error =
      network->velocity((1 - t) * noise + t * goal, time, reading.said.repeat({kDrawsOfTime, 1})) - (goal - noise);
  return (error * error * there).sum() / (there.sum() * static_cast<double>(goal.size(1)));
}

}  // namespace euterpe
