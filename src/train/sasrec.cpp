#include "train/sasrec.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "nn/note_encoder_module.hpp"
#include "nn/transformer_module.hpp"
#include "train/checkpoint_module.hpp"
#include "train/data_parallel.hpp"
#include "train/next_item_losses_module.hpp"
#include "train/trainer.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kWarmup = 50;  // steps

void require(bool ok, const std::string& what, const std::string& hint = {}) {
  if (!ok) throw Error(Category::usage, "train sasrec", what, hint);
}

void check(const SasRecTraining& o) {
  require(o.loss == "softmax" || o.loss == "sampled" || o.loss == "bce" || o.loss == "gbce",
          fmt::format("unknown loss \"{}\"", o.loss), "known are softmax, sampled, bce, gbce");
  require(o.negatives >= 1 && o.negatives <= 1 << 20, fmt::format("negatives {} is outside 1 to 2^20", o.negatives));
  require(o.calibration >= 0 && o.calibration <= 1, fmt::format("calibration {} is outside 0 to 1", o.calibration));
  require(o.epochs >= 1, fmt::format("epochs {} is below 1", o.epochs));
  require(o.content.width >= 0 && o.content.dropout >= 0 && o.content.dropout <= 1,
          fmt::format("content dropout {} is outside 0 to 1", o.content.dropout));
  require(o.batch >= 1 && o.batch <= 1 << 16, fmt::format("batch {} is outside 1 to 65536", o.batch));
}

/// What a step learns from: of each listener every item but the last, and every item but the first.
struct ItemBatch {
  torch::Tensor items, targets;  ///< int64 [steps]
  torch::Tensor begins;          ///< int64 [listeners + 1]
};

/// The order in which listeners come is that of their epoch, so that each is met once in it.
class ItemBatches {
 public:
  ItemBatches(std::span<const std::vector<int>> histories, int context, int batch, std::uint64_t seed)
      : context_(static_cast<std::size_t>(context)), batch_(static_cast<std::size_t>(batch)), seed_(seed) {
    for (const auto& history : histories)
      if (history.size() > 1) all_.push_back(&history);
    if (all_.empty()) throw Error(Category::bad_input, "train sasrec", "no listener has two listens or more");
  }

  std::int64_t steps_per_epoch() const { return static_cast<std::int64_t>((all_.size() + batch_ - 1) / batch_); }
  std::size_t listeners() const { return all_.size(); }

  /// \param share of the step's listeners, [first, last)
  std::vector<std::span<const int>> draw(std::int64_t step, Random& random) {
    const std::int64_t epoch = step / steps_per_epoch();
    if (epoch != epoch_) {
      order_.resize(all_.size());
      for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
      Random shuffling = Random::stream(seed_ ^ 0x65706f63, static_cast<std::uint64_t>(epoch));
      shuffling.shuffle(order_);
      epoch_ = epoch;
    }
    const std::size_t first = static_cast<std::size_t>(step % steps_per_epoch()) * batch_;
    std::vector<std::span<const int>> out;
    for (std::size_t i = first; i < std::min(order_.size(), first + batch_); ++i) {
      const std::span<const int> whole = *all_[order_[i]];
      const std::size_t seen = std::min(whole.size(), context_ + 1), spare = whole.size() - seen;
      const bool latest = random.uniform() < 0.5;
      const std::size_t from = latest || spare == 0 ? spare : random.below(spare + 1);
      out.push_back(whole.subspan(from, seen));
    }
    return out;
  }

 private:
  std::vector<const std::vector<int>*> all_;
  std::size_t context_, batch_;
  std::uint64_t seed_;
  std::int64_t epoch_ = -1;
  std::vector<std::size_t> order_;
};

ItemBatch item_batch(std::span<const std::span<const int>> windows) {
  std::vector<std::int64_t> items, targets, begins{0};
  for (const auto& window : windows) {
    items.insert(items.end(), window.begin(), window.end() - 1);
    targets.insert(targets.end(), window.begin() + 1, window.end());
    begins.push_back(static_cast<std::int64_t>(items.size()));
  }
  return {torch::tensor(items), torch::tensor(targets), torch::tensor(begins)};
}

torch::Tensor evenly(Random& random, std::int64_t n, int items) {
  torch::Tensor out = torch::empty({n}, torch::kInt64);
  auto* data = out.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i)
    data[i] = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(items)));
  return out;
}

/// Items that are not the target of their step, [steps × k].
torch::Tensor others(Random& random, const torch::Tensor& targets, std::int64_t k, int items) {
  torch::Tensor out = evenly(random, targets.numel() * k, items - 1).view({targets.numel(), k});
  return out + (out >= targets.unsqueeze(1)).to(torch::kInt64);
}

}  // namespace

int usual_context(std::span<const std::vector<int>> histories) {
  std::size_t listens = 0, listeners = 0;
  for (const auto& history : histories) listens += history.size(), listeners += history.size() > 1;
  const double usual = static_cast<double>(listens) / static_cast<double>(std::max<std::size_t>(1, listeners));
  return std::clamp(static_cast<int>(2 * usual), 20, 200);
}

SasRecReport train_sasrec(std::span<const std::vector<int>> histories, int items, const SasRecTraining& o,
                          const std::function<double(const SasRec&)>& validate) {
  check(o);
  require(items >= 2, fmt::format("{} items: there is nothing to tell apart", items));
  SasRecReport report;
  report.network = o.network;
  report.network.vocabulary = items;
  report.network = transformer_options(to_json(report.network));
  require(o.content.values.size() == static_cast<std::size_t>(items) * static_cast<std::size_t>(o.content.width),
          fmt::format("{} numbers of content are not {} of each of {} items", o.content.values.size(), o.content.width,
                      items));
  ItemBatches batches(histories, o.network.context, o.batch, o.seed);
  at::set_num_threads(threads());
  torch::manual_seed(o.seed);
  const torch::Device device = torch::cuda::is_available() ? torch::kCUDA : torch::kCPU;
  TransformerModule network(report.network);
  network->to(device);
  network->set_compute({.bf16 = o.bf16});

  torch::Tensor content, content_map;
  std::vector<bool> has_content(static_cast<std::size_t>(items));
  for (std::size_t i = 0; i < o.content.values.size(); ++i)
    if (o.content.values[i] != 0) has_content[i / static_cast<std::size_t>(o.content.width)] = true;
  if (o.content.width > 0) {
    content = torch::tensor(o.content.values).view({items, o.content.width}).to(device);
    content_map = torch::zeros({o.content.width, o.network.d_model}, device).set_requires_grad(true);
  }
  // Item vectors: what listens say of an item, left out of some, and what its content does.
  const auto table_of = [&](Random& random) {
    if (!content.defined()) return network->embedding;
    torch::Tensor kept = torch::empty({items, 1});
    for (std::size_t i = 0; i < has_content.size(); ++i)
      kept.data_ptr<float>()[i] = has_content[i] && random.uniform() < o.content.dropout ? 0 : 1;
    return network->embedding * kept.to(device) + torch::mm(content, content_map);
  };

  std::int64_t step = 0;
  const auto loss_of = [&](const torch::Tensor& hidden, const torch::Tensor& table, const ItemBatch& batch,
                           Random& random) {
    const torch::Tensor targets = batch.targets.to(device);
    if (o.loss == "softmax") return softmax_loss(hidden, table, targets);
    if (o.loss == "sampled") {
      const torch::Tensor expected = torch::full({items}, std::log(static_cast<double>(o.negatives) / items));
      return sampled_softmax_loss(hidden, table, targets, evenly(random, o.negatives, items).to(device),
                                  expected.to(device));
    }
    const std::int64_t k = o.loss == "bce" ? 1 : o.negatives;
    const torch::Tensor negatives = others(random, batch.targets, k, items).to(device);
    return binary_loss(hidden, table, targets, negatives, o.loss == "bce" ? 1 : gbce_beta(k, items, o.calibration));
  };
  TrainingTask task;
  task.unit = "listeners";
  for (auto& p : network->named_parameters()) task.parameters.emplace_back(p.key(), p.value());
  if (content.defined()) task.parameters.emplace_back(kContentMap, content_map);
  task.recipe = {{"network", to_json(report.network)}, {"loss", o.loss},   {"negatives", o.negatives},
                 {"calibration", o.calibration},       {"batch", o.batch}, {"listeners", batches.listeners()}};
  task.begin_step = [&](std::int64_t s) { step = s; };
  task.shared = true;
  task.loss = [&](Random& random, std::int64_t& items_seen) {
    const auto whole = batches.draw(step, random);
    const Dropout dropout = Dropout::draw(o.network.dropout, random);
    const auto [first, last] = processes().share(static_cast<std::int64_t>(whole.size()));
    const auto mine = std::span(whole).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    items_seen += last - first;
    const ItemBatch batch = item_batch(mine);
    const torch::Tensor table = table_of(random);
    const torch::Tensor x = network->read(batch.items.to(device), table);
    return loss_of(network->run_ragged(x, batch.begins, &dropout), table, batch, random);
  };
  const auto weights = [&] {
    torch::NoGradGuard guard;
    Safetensors file;
    put_parameters(*network, file);
    if (!content.defined()) return file;
    store_tensor(file, kContentMap, content_map);
    const torch::Tensor whole = (network->embedding + torch::mm(content, content_map)).cpu().contiguous();
    file.put("embedding", whole.sizes().vec(),
             std::span(whole.data_ptr<float>(), static_cast<std::size_t>(whole.numel())), DType::bf16);
    return file;
  };
  // Without anything to compare it ends in the average of its last weights.
  task.validate = [&] { return validate ? -validate(SasRec(report.network, weights())) : 0; };

  const std::int64_t epoch = batches.steps_per_epoch();
  TrainerOptions trainer;
  trainer.folder = o.run;
  trainer.seed = o.seed;
  trainer.steps = o.epochs * epoch;
  trainer.learning_rate = o.learning_rate;
  trainer.final_rate = o.final_rate;
  trainer.warmup = kWarmup;
  trainer.weight_decay = o.weight_decay;
  trainer.ema = o.ema;
  trainer.evaluate_every = o.evaluate_every > 0 ? o.evaluate_every * epoch : std::numeric_limits<std::int64_t>::max();
  trainer.checkpoint_every = o.checkpoint_every;
  trainer.patience = o.patience;
  const TrainingReport result = run_training(task, trainer);
  report.weights = weights();
  report.epochs = result.steps / epoch;
  report.best_epoch = result.best_step / epoch;
  report.best_validation = -result.best_validation;
  report.last_loss = result.losses.empty() ? result.last_loss : result.losses.back().second;
  report.seconds = result.seconds;
  report.listeners_per_second = result.items_per_second;
  return report;
}

}  // namespace euterpe
