#include "train/vae.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "nn/latent_prior_module.hpp"
#include "nn/note_encoder_module.hpp"
#include "nn/random_tensor_module.hpp"
#include "nn/vae_module.hpp"
#include "train/bar_batches.hpp"
#include "train/latent_reading_module.hpp"
#include "train/vae_stages_module.hpp"

namespace euterpe {

torch::Device vae_device() { return torch::cuda::is_available() ? torch::Device(torch::kCUDA) : torch::kCPU; }

TrainerOptions vae_stage(const VaeTraining& o, const char* stage, std::int64_t steps, double learning_rate,
                         const std::string& start) {
  constexpr std::int64_t kValidations = 16;
  TrainerOptions out;
  out.folder = o.run / stage;
  const auto kept = out.folder / "start";
  if (std::filesystem::exists(out.folder) && (!std::filesystem::exists(kept) || read_text(kept) != start)) {
    spdlog::info("{}: what was learned there began from other weights and begins anew", out.folder.string());
    std::filesystem::remove_all(out.folder);
  }
  std::filesystem::create_directories(out.folder);
  write_file(kept, start);
  out.seed = o.seed;
  out.steps = steps;
  out.learning_rate = learning_rate;
  out.warmup = std::min<std::int64_t>(200, steps / 10 + 1);
  out.evaluate_every = std::max<std::int64_t>(1, steps / kValidations);
  out.checkpoint_every = 100;
  out.seconds = o.seconds;
  return out;
}

/// Matrices become a byte a weight with a scale for each row, half of what bf16 takes.
void round_matrices(Safetensors& file) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors)
    if (tensor.shape.size() == 2 && tensor.dtype == DType::bf16) names.push_back(name);
  for (const std::string& name : names) {
    const std::vector<float> values = file.floats(name);
    file.put(name, file.at(name).shape, values, DType::i8);
  }
}

namespace {

constexpr std::size_t kValidationBars = 300;
constexpr std::size_t kBarsAtOnce = 100;
constexpr double kEarlierNoise = 0.3;  // of the latents of earlier bars, in their standard deviations
constexpr double kPriorDropout = 0.1;

std::vector<const GridBar*> addresses(const std::vector<GridBar>& bars, std::size_t first, std::size_t count) {
  std::vector<const GridBar*> out;
  for (std::size_t i = first; i < std::min(bars.size(), first + count); ++i) out.push_back(&bars[i]);
  return out;
}

double beta_at(const VaeTraining& o, std::int64_t step) {
  const double cycle = static_cast<double>(step) * o.cycles / static_cast<double>(o.steps);
  const double rising = cycle >= o.cycles - 1 ? 0.25 : 0.5;  // the part of a cycle in which β rises
  return o.beta * std::min(1.0, (cycle - std::floor(cycle)) / rising);
}

/// Nats a note from the mean of q(z | bar), styles weighted equally.
double validation(const VaeModule& network, const std::map<std::string, std::vector<GridBar>>& held_out,
                  torch::Device device) {
  torch::NoGradGuard guard;
  double sum = 0;
  for (const auto& [style, bars] : held_out) {
    double nats = 0, notes = 0;
    for (std::size_t first = 0; first < bars.size(); first += kBarsAtOnce) {
      const BarBatch batch = bar_batch(addresses(bars, first, kBarsAtOnce)).to(device);
      nats += network->reconstruction_nats(batch, network->encode(batch).first).sum().item<double>();
      notes += static_cast<double>(batch.notes);
    }
    sum += nats / std::max(1.0, notes);
  }
  return sum / static_cast<double>(held_out.size());
}

TrainingReport train_codec(const GridCorpus& corpus, const VaeTraining& options, VaeModule& network) {
  const torch::Device device = vae_device();
  network->to(device);
  TransformerCompute compute;
  compute.bf16 = options.bf16;
  network->set_compute(compute);
  const BarBatches train(corpus, "train");
  const bool validated =
      std::any_of(corpus.pieces.begin(), corpus.pieces.end(), [](const GridPiece& p) { return p.split == "valid"; });
  std::map<std::string, std::vector<GridBar>> held_out;
  for (const std::string& style : corpus.styles) {
    auto bars = BarBatches::spread(corpus, validated ? "valid" : "train", style, kValidationBars);
    if (!bars.empty()) held_out[style] = std::move(bars);
  }
  TrainingTask task;
  task.unit = "notes";
  task.recipe = {{"network", to_json(options.network)},
                 {"notes", options.notes},
                 {"beta", options.beta},
                 {"free_bits", options.free_bits},
                 {"cycles", options.cycles},
                 {"corpus", corpus.shard.hash},
                 {"bf16", options.bf16}};
  for (auto& p : network->named_parameters()) task.parameters.emplace_back(p.key(), p.value());
  std::int64_t step = 0;
  task.begin_step = [&](std::int64_t s) { step = s; };
  task.loss = [&](Random& random, std::int64_t& items) {
    const std::vector<GridBar> bars = train.draw(random, options.notes);
    const BarBatch batch = bar_batch(addresses(bars, 0, bars.size())).to(device);
    items += batch.notes;
    const auto [mean, log_variance] = network->encode(batch);
    const auto z = mean + torch::exp(0.5 * log_variance) * normal_tensor(random, mean.sizes().vec()).to(device);
    const auto kl = 0.5 * (mean * mean + torch::exp(log_variance) - 1 - log_variance);
    const auto rate = kl.mean(0).clamp_min(options.free_bits).sum() * static_cast<double>(bars.size());
    const auto distortion = network->reconstruction_nats(batch, z).sum();
    return (distortion + beta_at(options, step) * rate) / static_cast<double>(batch.notes + batch.meters.size(0));
  };
  task.validate = [&] { return validation(network, held_out, device); };
  TrainerOptions trainer = vae_stage(options, "codec", options.steps, options.learning_rate, "nothing");
  trainer.weight_decay = 0.02;
  return run_training(task, trainer);
}

TrainingReport train_prior(const GridCorpus& corpus, const VaeTraining& options, const Vae& codec,
                           LatentPriorModule& network) {
  const torch::Device device = vae_device();
  const LatentBatches train(corpus, "train", codec), valid(corpus, "valid", codec);
  {
    torch::NoGradGuard guard;
    const auto [mean, deviation] = train.spread();
    network->mean.copy_(torch::tensor(mean));
    network->deviation.copy_(torch::tensor(deviation));
  }
  network->to(device);
  const auto loss_of = [&](const LatentBatch& drawn, Random& random, bool learning) {
    // Bars that it has drawn itself are never quite those that it has learned from.
    const LatentHearing hearing{learning ? kEarlierNoise : 0, learning ? kPriorDropout : 0};
    return flow_error(network, read_latents(network, drawn, hearing, random), random);
  };
  TrainingTask task;
  task.unit = "bars";
  task.recipe = {{"prior", to_json(network->options)},
                 {"pieces", options.prior_pieces},
                 {"bars", options.prior_bars},
                 {"corpus", corpus.shard.hash},
                 {"codec", train.hash()}};
  for (auto& p : network->named_parameters())
    if (p.value().requires_grad()) task.parameters.emplace_back(p.key(), p.value());
  task.loss = [&](Random& random, std::int64_t& items) {
    const LatentBatch batch = train.draw(random, options.prior_pieces, options.prior_bars);
    items += batch.bars;
    return loss_of(batch, random, true);
  };
  const LatentBatches& judge = valid.empty() ? train : valid;
  task.validate = [&] {
    constexpr int kBatches = 12;
    double sum = 0;
    for (std::uint64_t i = 0; i < kBatches; ++i) {
      Random fixed = Random::stream(0x5eed, i);
      sum += loss_of(judge.draw(fixed, options.prior_pieces, options.prior_bars), fixed, false).item<double>();
    }
    return sum / kBatches;
  };
  TrainerOptions trainer = vae_stage(options, "prior", options.prior_steps, options.prior_learning_rate, train.hash());
  trainer.ema = 0.999;
  return run_training(task, trainer);
}

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t sum = 0;
  for (const auto& p : module.parameters()) sum += p.numel();
  return sum;
}

}  // namespace

VaeReport train_vae(const GridCorpus& corpus, const VaeTraining& asked) {
  VaeTraining options = asked;
  options.prior.latent = options.network.latent;
  options.prior.styles = static_cast<int>(corpus.styles.size());
  options.network.told = options.finish_steps > 0 ? told_values(options.prior) : 0;
  at::set_num_threads(threads());
  torch::manual_seed(options.seed);
  VaeReport report;
  report.prior = options.prior;
  report.network = options.network;
  VaeModule codec(vae_options(to_json(report.network)));
  const TrainingReport first = train_codec(corpus, options, codec);
  codec->to(torch::kCPU);
  put_parameters(*codec, report.weights, "vae.");
  round_matrices(report.weights);

  LatentPriorModule prior(latent_prior_options(to_json(report.prior)));
  // The prior learns the latents of the weights as they are stored.
  const Vae stored(report.network, report.weights);
  const TrainingReport second = train_prior(corpus, options, stored, prior);
  prior->to(torch::kCPU);
  put_parameters(*prior, report.weights, "prior.");
  round_matrices(report.weights);

  TrainingReport third;
  if (options.finish_steps > 0) third = train_finish(corpus, options, report);

  report.steps = first.steps;
  report.prior_steps = second.steps;
  report.parameters = count_parameters(*codec) + count_parameters(*prior);
  report.validation = first.best_validation;
  report.prior_validation = second.best_validation;
  report.finish_steps = third.steps;
  report.finish_validation = third.best_validation;
  report.seconds = first.seconds + second.seconds + third.seconds;
  report.notes_per_second = first.items_per_second;
  report.bars_per_second = second.items_per_second;
  return report;
}

}  // namespace euterpe
