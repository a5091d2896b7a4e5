#include <torch/torch.h>

#include <algorithm>

#include "base/files.hpp"
#include "nn/note_encoder_module.hpp"
#include "nn/random_tensor_module.hpp"
#include "nn/vae_module.hpp"
#include "train/bar_batches.hpp"
#include "train/latent_reading_module.hpp"
#include "train/vae_stages_module.hpp"

namespace euterpe {
namespace {

constexpr double kFinishDropout = 0.1;
constexpr double kFinishedShare = 0.3;  // of the notes, so that the decoder does not forget what it knew

/// Weights that the latents of bars do not depend on.
bool is_of_decoder(const std::string& name) {
  for (const char* other : {"place", "pitch", "length", "meter"})
    if (name == other) return false;
  return name.rfind("encoder", 0) != 0 && name.rfind("pool_", 0) != 0;
}

}  // namespace

TrainingReport train_finish(const GridCorpus& corpus, const VaeTraining& options, VaeReport& report) {
  const torch::Device device = vae_device();
  const Vae stored(report.network, report.weights);
  const LatentBatches train(corpus, "train", stored), valid(corpus, "valid", stored);
  LatentPriorModule prior(report.prior);
  load_parameters(*prior, report.weights, "prior.");
  prior->to(device);
  VaeModule network(report.network);
  load_parameters(*network, report.weights, "vae.");
  network->to(device);
  TransformerCompute compute;
  compute.bf16 = options.bf16;
  network->set_compute(compute);

  TrainingTask task;
  for (auto& p : network->named_parameters())
    if (is_of_decoder(p.key()))
      task.parameters.emplace_back("vae." + p.key(), p.value());
    else
      p.value().set_requires_grad(false);
  for (auto& p : prior->named_parameters())
    if (p.value().requires_grad()) task.parameters.emplace_back("prior." + p.key(), p.value());
  const auto loss_of = [&](const LatentBatches& batches, Random& random, bool learning, std::int64_t& items) {
    const LatentBatch drawn = batches.draw(random, options.prior_pieces, options.prior_bars);
    const LatentReading reading = read_latents(prior, drawn, {0, learning ? kFinishDropout : 0}, random);
    const torch::Tensor flow = flow_error(prior, reading, random);
    // As many of the bars as there is time for, in two parts: finished ones, of which nothing is told, and others.
    std::vector<std::int64_t> order;
    for (std::size_t i = 0; i < drawn.music.size(); ++i)
      if (drawn.music[i]) order.push_back(static_cast<std::int64_t>(i));
    random.shuffle(order);
    torch::Tensor nats = torch::zeros({}, reading.z.options());
    std::size_t next = 0;
    std::int64_t of = 0;
    for (const bool finished : {true, false}) {
      const double goal = options.finish_notes * (finished ? kFinishedShare : 1 - kFinishedShare);
      std::vector<const GridBar*> music;
      std::vector<std::int64_t> rows;
      for (std::size_t notes = 0; next < order.size() && static_cast<double>(notes) < goal; ++next) {
        rows.push_back(order[next]);
        music.push_back(drawn.music[static_cast<std::size_t>(order[next])]);
        notes += music.back()->notes.size() + 1;
      }
      if (music.empty()) continue;
      const BarBatch some = bar_batch(music).to(device);
      const auto index = torch::tensor(rows).to(device);
      auto here = reading.z.index_select(0, index);
      torch::Tensor told;
      if (!finished) {
        const auto time = uniform_tensor(random, {here.size(0)}).to(device);
        const auto t = time.unsqueeze(1);
        here = (1 - t) * normal_tensor(random, here.sizes().vec()).to(device) + t * here;
        told = torch::cat({reading.said.index_select(0, index), time_waves(time)}, 1);
      }
      const Dropout dropout = learning && !finished ? Dropout::draw(kFinishDropout, random) : Dropout{};
      nats =
          nats +
          network->reconstruction_nats(some, prior->restored(here), told, dropout.rate > 0 ? &dropout : nullptr).sum();
      of += some.notes + some.meters.size(0);
    }
    items += of;
    return flow + nats / static_cast<double>(std::max<std::int64_t>(1, of));
  };
  task.unit = "notes";
  task.recipe = {{"network", to_json(report.network)},
                 {"prior", to_json(report.prior)},
                 {"pieces", options.prior_pieces},
                 {"bars", options.prior_bars},
                 {"notes", options.finish_notes},
                 {"corpus", corpus.shard.hash},
                 {"codec", train.hash()},
                 {"bf16", options.bf16}};
  task.loss = [&](Random& random, std::int64_t& items) { return loss_of(train, random, true, items); };
  const LatentBatches& judge = valid.empty() ? train : valid;
  task.validate = [&] {
    torch::NoGradGuard guard;
    constexpr int kBatches = 24;
    double sum = 0;
    std::int64_t items = 0;
    for (std::uint64_t i = 0; i < kBatches; ++i) {
      Random fixed = Random::stream(0x5eed, i);
      sum += loss_of(judge, fixed, false, items).item<double>();
    }
    return sum / kBatches;
  };
  TrainerOptions trainer = vae_stage(options, "finish", options.finish_steps, options.finish_learning_rate,
                                     sha256(write_safetensors(report.weights)));
  trainer.ema = 0.999;
  trainer.weight_decay = 0.02;
  const TrainingReport out = run_training(task, trainer);
  network->to(torch::kCPU);
  prior->to(torch::kCPU);
  // The encoder's weights stay as they were rounded, for both have learned its latents.
  Safetensors weights;
  put_parameters(*network, weights, "vae.");
  for (const auto& [name, tensor] : weights.tensors)
    if (is_of_decoder(name.substr(4))) report.weights.put(name, tensor.shape, weights.floats(name), tensor.dtype);
  put_parameters(*prior, report.weights, "prior.");
  round_matrices(report.weights);
  return out;
}

}  // namespace euterpe
