#include "train/media_cnn.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "nn/cnn_module.hpp"
#include "nn/transformer_module.hpp"
#include "train/trainer.hpp"

namespace euterpe {
namespace {

constexpr int kMeasured = 12;  // batches that the population statistics of normalization are measured over

/// The chunk with another's power added, both brought to one level before; `gain` is the other's share of power.
void add_power(std::span<float> chunk, std::span<const float> other, float gain) {
  constexpr float kToLog2 = 0.33219281f;  // log2(10) / 10
  double a = 1e-10, b = 1e-10;
  std::vector<float> x(chunk.size()), y(chunk.size());
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    a += x[i] = std::exp2(kToLog2 * chunk[i]);
    b += y[i] = std::exp2(kToLog2 * other[i]);
  }
  const auto n = static_cast<double>(chunk.size());
  const auto wa = static_cast<float>((1 - gain) * n / a), wb = static_cast<float>(gain * n / b);
  for (std::size_t i = 0; i < chunk.size(); ++i)
    chunk[i] = std::log2(std::max(wa * x[i] + wb * y[i], 1e-10f)) / kToLog2;
}

/// A smooth curve over the bands, as microphones, mastering and loudspeakers differ: a few cosines.
void tilt(std::span<float> chunk, std::size_t bands, double deviation, Random& random) {
  double weight[5];
  for (int k = 0; k < 5; ++k) weight[k] = random.normal() * deviation / (1 + 0.5 * k);
  const std::size_t frames = chunk.size() / bands;
  for (std::size_t b = 0; b < bands; ++b) {
    double db = 0;
    for (int k = 0; k < 5; ++k)
      db += weight[k] *
            std::cos(3.14159265358979 * (k + 1) * (static_cast<double>(b) + 0.5) / static_cast<double>(bands));
    for (std::size_t t = 0; t < frames; ++t) chunk[b * frames + t] += static_cast<float>(db);
  }
}

/// Nothing of the music is heard below a floor that rises or falls over the bands.
void raise_floor(std::span<float> chunk, std::size_t bands, Random& random) {
  const std::size_t frames = chunk.size() / bands;
  const float top = *std::max_element(chunk.begin(), chunk.end());
  const double low = top - random.uniform(25, 75), slope = random.uniform(-25, 10);
  for (std::size_t b = 0; b < bands; ++b) {
    const auto floor = static_cast<float>(low + slope * static_cast<double>(b) / static_cast<double>(bands));
    for (std::size_t t = 0; t < frames; ++t) {
      float& x = chunk[b * frames + t];
      if (x < floor + 10) x = std::max(x, floor) + static_cast<float>(random.uniform(-2, 2));
    }
  }
}

struct Batch {
  torch::Tensor chunks, targets;  // [n × bands × frames], [n × targets]; the views of a piece stand together
};

class Learner {
 public:
  explicit Learner(const CnnTraining& options)
      : options_(options),
        network_(options.network),
        chunk_(static_cast<std::size_t>(options.network.bands) * static_cast<std::size_t>(options.network.frames)) {
    for (const CnnHead& head : options.heads) {
      targets_ += head.width;
      parameters_.emplace_back("head." + head.name + ".weight",
                               (torch::randn({head.width, options.network.embedding}) * 0.02).set_requires_grad(true));
      parameters_.emplace_back("head." + head.name + ".bias", torch::zeros({head.width}).set_requires_grad(true));
    }
    if (options.contrastive > 0)
      for (const char* name : {"projection.first", "projection.second"})
        parameters_.emplace_back(name, (torch::randn({128, name[11] == 'f' ? options.network.embedding : 128}) /
                                        std::sqrt(static_cast<double>(options.network.embedding)))
                                           .set_requires_grad(true));
    heads_ = parameters_;
    for (auto& p : network_->named_parameters()) parameters_.emplace_back("trunk." + p.key(), p.value());
    if (options.from) network_->load(*options.from);
  }

  const std::vector<std::pair<std::string, torch::Tensor>>& parameters() const { return parameters_; }
  CnnModule& network() { return network_; }

  torch::Tensor loss(Random& random, std::int64_t& items) {
    const Batch batch = draw(random, true);
    items += batch.chunks.size(0);
    const auto statistics = options_.from ? Statistics::fixed : Statistics::batch;
    const auto embedding = network_->forward(batch.chunks, statistics);
    auto total = torch::zeros({});
    const auto parts = losses(fast_dropout(embedding, options_.dropout, random), batch.targets);
    for (std::size_t i = 0; i < parts.size(); ++i) total = total + parts[i] * options_.heads[i].weight;
    if (options_.contrastive > 0) total = total + contrast(embedding) * options_.contrastive;
    return total;
  }

  /// Losses of the heads on the same validation examples each time, with the statistics of the weights in place.
  std::vector<double> validate() {
    torch::NoGradGuard guard;
    if (!options_.from) measure();
    std::vector<double> sums(options_.heads.size(), 0.0);
    Random random(0x7a11d);
    const int batches = std::max(1, options_.validation_pieces / options_.batch);
    for (int i = 0; i < batches; ++i) {
      const Batch batch = draw(random, false);
      const auto parts = losses(network_->forward(batch.chunks, Statistics::fixed), batch.targets);
      for (std::size_t h = 0; h < parts.size(); ++h) sums[h] += parts[h].item<double>() / batches;
    }
    return sums;
  }

  void measure() {
    torch::NoGradGuard guard;
    network_->forget_statistics();
    Random random(0x57a75);
    for (int i = 0; i < kMeasured; ++i) network_->forward(draw(random, true).chunks, Statistics::measure);
  }

  Safetensors heads() const {
    Safetensors file;
    for (const auto& [name, value] : heads_) {
      if (!name.starts_with("head.")) continue;
      const auto t = value.detach().contiguous();
      file.put(name.substr(5), t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())));
    }
    return file;
  }

 private:
  Batch draw(Random& random, bool augmented) {
    const auto views = static_cast<std::size_t>(options_.views), pieces = static_cast<std::size_t>(options_.batch);
    const auto width = static_cast<std::size_t>(targets_), n = views * pieces;
    Batch batch{torch::empty({static_cast<std::int64_t>(n), options_.network.bands, options_.network.frames}),
                torch::empty({static_cast<std::int64_t>(n), targets_})};
    const std::span<float> chunks(batch.chunks.data_ptr<float>(), n * chunk_);
    const std::span<float> targets(batch.targets.data_ptr<float>(), n * width);
    for (std::size_t i = 0; i < pieces; ++i)
      (augmented ? options_.draw : options_.draw_valid)(random, options_.views,
                                                        chunks.subspan(i * views * chunk_, views * chunk_),
                                                        targets.subspan(i * views * width, views * width));
    if (augmented) augment(random, chunks, targets);
    for (std::size_t i = 0; i < n; ++i) {
      const auto chunk = chunks.subspan(i * chunk_, chunk_);
      normalize_chunk(chunk);
      if (augmented) mask(chunk, random);
    }
    return batch;
  }

  void augment(Random& random, std::span<float> chunks, std::span<float> targets) {
    const auto views = static_cast<std::size_t>(options_.views), pieces = static_cast<std::size_t>(options_.batch);
    const auto width = static_cast<std::size_t>(targets_);
    const std::vector<float> plain(chunks.begin(), chunks.end()), told(targets.begin(), targets.end());
    for (std::size_t i = 0; i < pieces; ++i) {
      // All views of a piece meet the views of one other, so that they stay views of the same music.
      const bool mixed = random.uniform() < options_.mix && pieces > 1;
      const std::size_t other = (i + 1 + random.below(std::max<std::size_t>(1, pieces - 1))) % pieces;
      const auto gain = static_cast<float>(random.uniform(0.1, 0.5));
      for (std::size_t v = 0; v < views; ++v) {
        const std::size_t at = i * views + v, from = other * views + v;
        const auto chunk = chunks.subspan(at * chunk_, chunk_);
        if (mixed) {
          add_power(chunk, std::span(plain).subspan(from * chunk_, chunk_), gain);
          mix_targets(targets.subspan(at * width, width), std::span(told).subspan(from * width, width), gain);
        }
        const auto bands = static_cast<std::size_t>(options_.network.bands);
        if (options_.tilt_db > 0) tilt(chunk, bands, options_.tilt_db, random);
        if (random.uniform() < options_.floor_probability) raise_floor(chunk, bands, random);
      }
    }
  }

  /// What is present stays present in a mixture; classes and values are shared out.
  void mix_targets(std::span<float> mine, std::span<const float> other, float gain) const {
    std::size_t at = 0;
    for (const CnnHead& head : options_.heads)
      for (int i = 0; i < head.width; ++i, ++at)
        mine[at] = head.kind == CnnHead::Kind::labels ? std::max(mine[at], other[at])
                                                      : (1 - gain) * mine[at] + gain * other[at];
  }

  void mask(std::span<float> chunk, Random& random) {
    Matrix mel(static_cast<std::size_t>(options_.network.bands), static_cast<std::size_t>(options_.network.frames), 0);
    std::copy(chunk.begin(), chunk.end(), mel.data.begin());
    spec_augment(mel, options_.masks, random);
    std::copy(mel.data.begin(), mel.data.end(), chunk.begin());
  }

  std::vector<torch::Tensor> losses(const torch::Tensor& embedding, const torch::Tensor& targets) const {
    namespace F = torch::nn::functional;
    std::vector<torch::Tensor> out;
    std::int64_t at = 0;
    for (std::size_t h = 0; h < options_.heads.size(); ++h) {
      const CnnHead& head = options_.heads[h];
      const auto told = targets.slice(1, at, at + head.width);
      const auto said = torch::linear(embedding, heads_[2 * h].second, heads_[2 * h + 1].second);
      at += head.width;
      if (head.kind == CnnHead::Kind::classes) {
        out.push_back(-(torch::log_softmax(said, 1) * told).sum(1).mean());
      } else if (head.kind == CnnHead::Kind::labels) {
        out.push_back(F::binary_cross_entropy_with_logits(said, told));
      } else {
        const auto known = torch::isfinite(told);
        const auto error = torch::where(known, said - told, torch::zeros_like(said)).square().sum();
        out.push_back(error / known.sum().clamp_min(1));
      }
    }
    return out;
  }

  /// Two views of a piece find each other among all chunks of the batch (Chen et al. 2020, NT-Xent).
  torch::Tensor contrast(const torch::Tensor& embedding) const {
    const auto& first = heads_[heads_.size() - 2].second;
    const auto& second = heads_.back().second;
    const auto z = torch::nn::functional::normalize(torch::linear(torch::relu(torch::linear(embedding, first)), second),
                                                    torch::nn::functional::NormalizeFuncOptions().dim(1));
    const std::int64_t n = z.size(0), views = options_.views;
    auto similarity = torch::matmul(z, z.t()) / options_.contrast_temperature;
    similarity = similarity.masked_fill(torch::eye(n, torch::kBool), -1e9);
    auto partner = torch::arange(n);
    partner = partner - partner.remainder(views) + (partner.remainder(views) + 1).remainder(views);
    return torch::nn::functional::cross_entropy(similarity, partner);
  }

  const CnnTraining& options_;
  CnnModule network_;
  std::size_t chunk_;
  std::int64_t targets_ = 0;
  std::vector<std::pair<std::string, torch::Tensor>> parameters_, heads_;
};

}  // namespace

CnnReport train_cnn(const CnnTraining& options) {
  EUTERPE_ASSERT(options.views >= 1 && options.batch >= 2 && (options.contrastive == 0 || options.views >= 2));
  at::set_num_threads(1);
  torch::manual_seed(options.seed);
  Learner learner(options);

  nlohmann::json heads = nlohmann::json::array();
  for (const CnnHead& head : options.heads)
    heads.push_back(
        {{"name", head.name}, {"kind", static_cast<int>(head.kind)}, {"width", head.width}, {"weight", head.weight}});
  TrainingTask task;
  task.unit = "chunks";
  task.recipe = {{"network", to_json(options.network)},
                 {"heads", heads},
                 {"data", options.data},
                 {"batch", options.batch},
                 {"views", options.views},
                 {"contrastive", options.contrastive},
                 {"mix", options.mix},
                 {"tilt_db", options.tilt_db},
                 {"floor_probability", options.floor_probability},
                 {"dropout", options.dropout},
                 {"fine_tune", options.from != nullptr}};
  task.parameters = learner.parameters();
  task.loss = [&](Random& random, std::int64_t& items) { return learner.loss(random, items); };
  task.validate = [&] {
    double sum = 0;
    const auto parts = learner.validate();
    for (std::size_t i = 0; i < parts.size(); ++i) sum += parts[i] * options.heads[i].weight;
    return sum;
  };
  TrainerOptions trainer;
  trainer.folder = options.run;
  trainer.seed = options.seed;
  trainer.steps = options.steps;
  trainer.learning_rate = options.learning_rate;
  trainer.weight_decay = options.weight_decay;
  trainer.ema = options.ema;
  trainer.warmup = std::min<std::int64_t>(100, options.steps / 10 + 1);
  trainer.evaluate_every = options.evaluate_every;
  trainer.checkpoint_every = options.checkpoint_every;
  trainer.patience = options.patience;
  trainer.seconds = options.seconds;
  const TrainingReport result = run_training(task, trainer);

  CnnReport report;
  report.steps = result.steps;
  report.best_step = result.best_step;
  report.best_validation = result.best_validation;
  report.seconds = result.seconds;
  report.chunks_per_second = result.items_per_second;
  report.losses = result.losses;
  report.validations = result.validations;
  const auto parts = learner.validate();
  for (std::size_t i = 0; i < parts.size(); ++i)
    report.validation_by_head.emplace_back(options.heads[i].name, parts[i]);
  learner.network()->put(report.weights);
  report.heads = learner.heads();
  return report;
}

}  // namespace euterpe
