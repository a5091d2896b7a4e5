#include "recommend/sequence_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "nn/model.hpp"
#include "recommend/blend.hpp"
#include "recommend/kept_fit.hpp"
#include "recommend/ranking.hpp"
#include "train/sasrec.hpp"

namespace euterpe {
namespace {

constexpr const char* kTask = "recommend";
constexpr const char* kListens = "listens";
constexpr const char* kMark = "sasrec.run";    // in folders of runs: only what has it is removed
constexpr int kMostForSoftmax = 20'000;        // items; above, the softmax over all of them costs more than it brings
constexpr std::size_t kMostValidation = 3000;  // queries; more would only cost time
constexpr std::int64_t kLooks = 20;            // at the validation, in the course of the most epochs
constexpr int kPatience = 5;                   // looks without a better one
constexpr int kWeights = 10;                   // steps from 0 to 1

std::filesystem::path folder_of(const Catalog& catalog) { return catalog.folder() / "models" / "sasrec"; }

/// How heard tracks sound, in the space that most of them have.
struct Content {
  std::string space;
  EmbeddingStandard standard;
  ItemContent items;
  std::size_t placed = 0;
};

Content content_of(Catalog& catalog, const std::vector<std::string>& items) {
  std::map<std::string, std::vector<std::pair<std::string, std::vector<float>>>> spaces;
  for (const std::string& item : items) {
    auto found = catalog.descriptors(item);
    if (!found || found->embedding.empty() || !catalog.rights(item).may_train) continue;
    if (!std::ranges::all_of(found->embedding, [](float v) { return std::isfinite(v); })) continue;
    auto& its = spaces[found->embedding_space];
    if (its.empty() || its.front().second.size() == found->embedding.size())
      its.emplace_back(item, std::move(found->embedding));
  }
  Content out;
  const auto most = std::max_element(spaces.begin(), spaces.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (most == spaces.end() || most->second.size() < 2) return out;
  const auto& tracks = most->second;
  const std::size_t width = tracks.front().second.size();
  out.space = most->first;
  out.standard = EmbeddingStandard(tracks, width);
  out.placed = tracks.size();
  out.items.width = static_cast<int>(width);
  out.items.values.resize(items.size() * width);
  for (const auto& [item, embedding] : tracks) {
    const auto number = static_cast<std::size_t>(std::lower_bound(items.begin(), items.end(), item) - items.begin());
    const std::vector<double> unit = out.standard.apply(embedding);
    std::copy(unit.begin(), unit.end(), out.items.values.begin() + static_cast<std::ptrdiff_t>(number * width));
  }
  return out;
}

/// SASRec as a part of a blend.
class TrainedSequence : public ItemModel {
 public:
  explicit TrainedSequence(const SasRec& model) : model_(model) {}
  void fit(const std::vector<History>&, int) override {}
  void configure(const Settings&) override {}
  void score(std::span<const int> history, std::span<float> scores) const override { model_.score(history, scores); }

 private:
  SasRec model_;
};

/// The item-to-item fit as one.
class FittedWeights : public ItemModel {
 public:
  explicit FittedWeights(Fit fit) : fit_(std::move(fit)) {}
  void fit(const std::vector<History>&, int) override {}
  void configure(const Settings&) override {}
  void score(std::span<const int> history, std::span<float> scores) const override {
    std::fill(scores.begin(), scores.end(), 0.f);
    fit_.weights().add_scores(weigh(history, fit_.recency), scores);
  }

 private:
  Fit fit_;
};

SasRecTraining training_of(const SequenceTraining& o, const std::vector<History>& histories, int items,
                           const ItemContent& content) {
  SasRecTraining t;
  t.network.d_model = o.width;
  t.network.layers = o.layers;
  t.network.heads = std::max(1, o.width / 32);
  t.network.ff = 2 * o.width;
  t.network.dropout = o.dropout;
  t.network.context = o.context > 0 ? o.context : usual_context(histories);
  t.loss = !o.loss.empty() ? o.loss : items > kMostForSoftmax ? "sampled" : "softmax";
  t.negatives = o.negatives > 0 ? o.negatives : t.loss == "sampled" ? 4096 : 256;
  t.content = content;
  t.bf16 = o.bf16;
  t.seed = o.seed;
  t.final_rate = 1;  // so that a run of fewer epochs is the beginning of a longer one
  return t;
}

/// The folder of this very training below `run`; others there are removed.
std::filesystem::path begin_run(const std::filesystem::path& run, const SasRecTraining& t,
                                const std::vector<std::uint64_t>& listens) {
  const auto bytes = [](const auto& values) {
    return std::span(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(values[0]));
  };
  const std::string name =
      sha256(fmt::format("{} {} {} {} {} {} {} {}", sha256(bytes(listens)), sha256(bytes(t.content.values)),
                         to_json(t.network).dump(), t.loss, t.negatives, t.bf16, t.epochs, t.seed))
          .substr(0, 16);
  if (std::filesystem::exists(run))
    for (const auto& entry : std::filesystem::directory_iterator(run))
      if (entry.path().filename() != name && std::filesystem::exists(entry.path() / kMark))
        std::filesystem::remove_all(entry.path());
  std::filesystem::create_directories(run / name);
  write_file(run / name / kMark, std::string_view("a training of SASRec\n"));
  return run / name;
}

}  // namespace

SequenceReport train_sequence(Catalog& catalog, const SequenceTraining& o) {
  const std::vector<Listen> listens = catalog.listens();
  if (listens.empty())
    throw Error(Category::not_found, "train sasrec", "the catalog holds no listens to learn from",
                "`ingest --listens FILE` takes a listening log");
  std::set<std::string> names;
  for (const Listen& listen : listens) names.insert(listen.track);
  const std::vector<std::string> items(names.begin(), names.end());
  const auto count = static_cast<int>(items.size());
  std::vector<History> histories;
  for (const Listener& listener : listeners_of(listens)) histories.push_back(numbers_of(listener.tracks, items));
  const Content content = content_of(catalog, items);

  SequenceReport report;
  report.listeners = histories.size();
  report.listens = listens.size();
  report.items = items.size();
  report.placed = content.placed;

  HeldOut held_out = hold_out(histories, 1);
  Random random(o.seed);
  if (held_out.queries.size() > kMostValidation) {
    random.shuffle(held_out.queries);
    held_out.queries.resize(kMostValidation);
  }
  report.queries = held_out.queries.size();
  SasRecTraining t = training_of(o, histories, count, content.items);
  t.epochs = o.most_epochs;
  t.evaluate_every = std::max<std::int64_t>(1, o.most_epochs / kLooks);
  t.patience = kPatience;
  const std::vector<std::uint64_t> hashes = listen_hashes(listens);
  const std::filesystem::path run =
      begin_run(o.run.empty() ? std::filesystem::path(folder_of(catalog).string() + ".run") : o.run, t, hashes);
  t.run = run / "choosing";
  spdlog::info("choosing the number of epochs by {} held-out listens", report.queries);
  const SasRecReport chosen = train_sasrec(held_out.fit, count, t, [&](const SasRec& model) {
    return measure(TrainedSequence(model), held_out.queries, count).ndcg10;
  });
  report.epochs = std::max<std::int64_t>(1, chosen.best_epoch);
  report.model_ndcg = chosen.best_validation;
  report.seconds = chosen.seconds;

  Blend blend({std::make_shared<FittedWeights>(fit_histories(held_out.fit, count)),
               std::make_shared<TrainedSequence>(SasRec(chosen.network, chosen.weights))});
  report.ndcg = -1;
  for (int step = 0; step <= kWeights; ++step) {
    const double weight = static_cast<double>(step) / kWeights;
    blend.configure({{"weight", weight}});
    const double ndcg = measure(blend, held_out.queries, count).ndcg10;
    if (step == 0) report.linear_ndcg = ndcg;
    if (ndcg > report.ndcg) report.ndcg = ndcg, report.weight = weight;
  }

  spdlog::info("learning from all listens, {} epochs", report.epochs);
  t.epochs = report.epochs;
  t.evaluate_every = 0;
  t.run = run / "final";
  SasRecReport final = train_sasrec(histories, count, t);
  report.seconds += final.seconds;

  Tensor& kept = final.weights.tensors[kListens];
  kept.dtype = DType::i64;
  kept.shape = {static_cast<std::int64_t>(hashes.size())};
  kept.bytes.resize(hashes.size() * sizeof(hashes[0]));
  std::memcpy(kept.bytes.data(), hashes.data(), kept.bytes.size());
  save_model(folder_of(catalog), final.weights,
             {{"name", "sasrec"},
              {"task", kTask},
              {"network", "sasrec"},
              {"options", to_json(final.network)},
              {"items", items},
              {"weight", report.weight},
              {"content",
               {{"space", content.space}, {"mean", content.standard.mean}, {"deviation", content.standard.deviation}}},
              {"training",
               {{"seed", o.seed},
                {"epochs", report.epochs},
                {"loss", t.loss},
                {"listeners", report.listeners},
                {"listens", report.listens}}},
              {"metrics",
               {{{"command", "train sasrec"},
                 {"queries", report.queries},
                 {"ndcg10", report.ndcg},
                 {"ndcg10_sasrec", report.model_ndcg},
                 {"ndcg10_item_to_item", report.linear_ndcg}}}}});
  std::error_code ignored;
  std::filesystem::remove_all(run, ignored);
  std::filesystem::remove(run.parent_path(), ignored);  // if nothing else is in it
  return report;
}

std::optional<SequenceFit> kept_sequence(const Catalog& catalog, const std::vector<std::uint64_t>& hashes) {
  const std::filesystem::path folder = folder_of(catalog);
  if (!std::filesystem::exists(folder / "card.json")) return {};
  try {
    const Model model = find_model(folder.string());
    Safetensors weights = model.weights();
    const Tensor learned = weights.at(kListens);
    weights.tensors.erase(kListens);
    SequenceFit fit{SasRec(transformer_options(model.card.at("options")), weights), {}, 0, {}, {}, {}};
    fit.items = model.card.at("items").get<std::vector<std::string>>();
    fit.weight = model.card.at("weight").get<double>();
    const auto& content = model.card.at("content");
    fit.embedding_space = content.at("space").get<std::string>();
    fit.standard.mean = content.at("mean").get<std::vector<double>>();
    fit.standard.deviation = content.at("deviation").get<std::vector<double>>();
    if (learned.dtype != DType::i64 || fit.items.size() != static_cast<std::size_t>(fit.model.options().vocabulary) ||
        !std::is_sorted(fit.items.begin(), fit.items.end()) || !(fit.weight >= 0 && fit.weight <= 1) ||
        fit.standard.mean.size() != static_cast<std::size_t>(fit.model.content_width()) ||
        fit.standard.deviation.size() != fit.standard.mean.size())
      throw Error(Category::bad_input, "kept_sequence", folder.string() + ": card and weights do not fit each other");
    fit.listens.resize(learned.bytes.size() / sizeof(fit.listens[0]));
    std::memcpy(fit.listens.data(), learned.bytes.data(), learned.bytes.size());
    if (std::includes(hashes.begin(), hashes.end(), fit.listens.begin(), fit.listens.end())) return fit;
    spdlog::warn("{} learned from listens that are gone: it is not asked until `train sasrec` makes it anew",
                 folder.string());
  } catch (const Error& error) {
    spdlog::warn("{}; going on without it: `train sasrec` makes it anew", error.what());
  } catch (const nlohmann::json::exception& error) {
    spdlog::warn("{}: {}; going on without it: `train sasrec` makes it anew", folder.string(), error.what());
  }
  return {};
}

}  // namespace euterpe
