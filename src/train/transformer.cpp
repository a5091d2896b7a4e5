#include "train/transformer.hpp"

#include <torch/torch.h>

#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "nn/model.hpp"
#include "nn/transformer_module.hpp"
#include "train/trainer.hpp"

namespace euterpe {
namespace {

constexpr double kDropKey = 0.15;     // of the crops, so that the model also writes without being told a key
constexpr double kStartCrops = 0.15;  // begin at the piece's beginning
constexpr double kEndCrops = 0.15;    // end at the piece's end: beginnings and endings are what listeners notice

/// A piece cut for training: header, bars, and where each bar begins.
struct Prepared {
  const ShardPiece* piece;
  std::size_t header;  // tokens before the first Bar
  std::vector<std::size_t> bars;
};

class Batches {
 public:
  Batches(const Shard& shard, const std::string& split, int context) : context_(static_cast<std::size_t>(context)) {
    for (const ShardPiece& p : shard.pieces) {
      if (p.split != split) continue;
      Prepared item{&p, 0, remi_bars(p.tokens)};
      if (item.bars.empty()) continue;
      item.header = item.bars.front();
      auto& style = styles_[p.style];
      style.pieces.push_back(std::move(item));
      style.weights.push_back(static_cast<double>(p.tokens.size()));
      style.tokens += static_cast<double>(p.tokens.size());
    }
    for (const auto& [name, style] : styles_) style_weights_.push_back(std::sqrt(style.tokens));
  }

  bool empty() const { return styles_.empty(); }
  std::vector<std::string> styles() const {
    std::vector<std::string> out;
    for (const auto& [name, s] : styles_) out.push_back(name);
    return out;
  }

  /// context + 1 tokens, filled up with Pad. Mid-piece crops leave Bos out, so that only true beginnings look like one.
  std::vector<Token> draw(Random& random, const std::string* style_name = nullptr) const {
    auto it = styles_.begin();
    if (style_name)
      it = styles_.find(*style_name);
    else
      std::advance(it, static_cast<std::ptrdiff_t>(random.weighted(style_weights_)));
    const Prepared& p = it->second.pieces[random.weighted(it->second.weights)];
    const auto& all = p.piece->tokens;
    const std::size_t want = context_ + 1;
    const std::size_t room = want - std::min(want, p.header);
    // The last bar from which the rest of the piece still fills the sequence.
    std::size_t latest = 0;
    while (latest + 1 < p.bars.size() && all.size() - p.bars[latest + 1] >= room) ++latest;
    const double choice = random.uniform();
    std::size_t bar = 0;
    if (choice < kEndCrops)
      bar = std::min(latest + (all.size() - p.bars[latest] > room ? 1 : 0), p.bars.size() - 1);
    else if (choice > kEndCrops + kStartCrops)
      bar = random.below(latest + 1);
    std::vector<Token> out;
    out.reserve(want);
    const bool drop_key = random.uniform() < kDropKey;
    for (std::size_t i = 0; i < p.header; ++i) {
      const TokenKind kind = RemiVocabulary::kind(all[i]);
      if ((kind == TokenKind::bos && bar > 0) || (kind == TokenKind::key && drop_key)) continue;
      out.push_back(all[i]);
    }
    for (std::size_t i = p.bars[bar]; i < all.size() && out.size() < want; ++i) out.push_back(all[i]);
    transpose_remi(out, static_cast<int>(random.below(12)) - 6);
    out.resize(want, RemiVocabulary::token(TokenKind::pad));
    return out;
  }

 private:
  struct Style {
    std::vector<Prepared> pieces;
    std::vector<double> weights;
    double tokens = 0;
  };
  std::size_t context_;
  std::vector<double> style_weights_;  // in the order of styles_
  std::map<std::string, Style> styles_;
};

/// Mean nats a token over the sequences, Pad not counted.
torch::Tensor sequence_loss(TransformerModule& network, const std::vector<std::vector<Token>>& sequences,
                            Random* random, torch::Device device, std::int64_t& items) {
  const auto batch = static_cast<std::int64_t>(sequences.size());
  const auto length = static_cast<std::int64_t>(sequences.front().size());
  torch::Tensor tokens = torch::empty({batch, length}, torch::kInt64);
  auto* out = tokens.data_ptr<std::int64_t>();
  for (const auto& s : sequences) out = std::copy(s.begin(), s.end(), out);
  tokens = tokens.to(device);
  const auto logits = network->forward(tokens.slice(1, 0, length - 1), random);
  const auto targets = tokens.slice(1, 1, length).reshape({-1});
  constexpr int kPad = 0;
  items += (targets != kPad).sum().item<std::int64_t>();
  return torch::nn::functional::cross_entropy(logits.reshape({batch * (length - 1), -1}), targets,
                                              torch::nn::functional::CrossEntropyFuncOptions().ignore_index(kPad));
}

void load_weights(TransformerModule& network, const Safetensors& file) {
  torch::NoGradGuard guard;
  for (auto& p : network->named_parameters()) {
    const auto shape = p.value().sizes().vec();
    auto values = file.floats(p.key(), shape);
    p.value().copy_(torch::from_blob(values.data(), shape, torch::kFloat32));
  }
}

Safetensors weights_of(TransformerModule& network) {
  Safetensors file;
  for (auto& p : network->named_parameters()) {
    const auto t = p.value().detach().to(torch::kCPU, torch::kFloat32).contiguous();
    // bf16 keeps float's range, so no scale is needed; the norms are tiny and stay exact.
    file.put(p.key(), t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
             t.dim() > 1 ? DType::bf16 : DType::f32);
  }
  return file;
}

}  // namespace

TransformerReport train_transformer(const Shard& shard, const TransformerTraining& options) {
  if (shard.tokenizer != RemiVocabulary::kName || shard.vocabulary != RemiVocabulary::size())
    throw Error(Category::bad_input, "train_transformer",
                "the shard was made with the tokenizer " + shard.tokenizer + ", this program has " +
                    std::string(RemiVocabulary::kName),
                "run prepare again");
  at::set_num_threads(threads());
  torch::manual_seed(options.seed);
  TransformerOptions shape = options.network;
  nlohmann::json parent;
  Safetensors start;
  if (!options.from.empty()) {
    const Model model = find_model(options.from);
    if (model.card.value("network", "") != "transformer" || model.card.value("tokenizer", "") != shard.tokenizer)
      throw Error(Category::bad_input, "train_transformer",
                  options.from + " is no Transformer over " + shard.tokenizer);
    const double dropout = shape.dropout;
    shape = transformer_options(model.card.at("options"));
    shape.dropout = dropout;
    start = model.weights();
    parent = {{"name", model.name},
              {"hash", model.hash},
              {"commercial", model.card.value("commercial", false)},
              {"data", model.card.value("data", nlohmann::json::array())}};
  }
  shape.vocabulary = shard.vocabulary;
  shape = transformer_options(to_json(shape));
  TransformerModule network(shape);
  if (!options.from.empty()) load_weights(network, start);
  const torch::Device device(torch::cuda::is_available() ? torch::kCUDA : torch::kCPU);
  network->to(device);

  const Batches train(shard, "train", shape.context);
  if (train.empty())
    throw Error(Category::bad_input, "train_transformer", "the shard holds no training piece",
                "every piece was left out or fell into another split: see the counts that prepare printed");
  // A handful of pieces may leave no validation split; then the training pieces stand in and the card says so.
  const Batches held_out(shard, "valid", shape.context);
  const bool validated = !held_out.empty();
  const Batches& valid = validated ? held_out : train;
  std::map<std::string, std::vector<std::vector<Token>>> validation;
  const auto styles = valid.styles();
  Random fixed(0x5eed);
  for (const std::string& style : styles)
    for (int i = 0; i < std::max(1, options.validation_sequences / static_cast<int>(styles.size())); ++i)
      validation[style].push_back(valid.draw(fixed, &style));

  auto style_losses = [&] {
    torch::NoGradGuard guard;
    std::vector<std::pair<std::string, double>> out;
    for (const auto& [style, sequences] : validation) {
      double sum = 0, count = 0;
      for (std::size_t i = 0; i < sequences.size(); i += static_cast<std::size_t>(options.batch)) {
        const std::vector<std::vector<Token>> part(
            sequences.begin() + static_cast<std::ptrdiff_t>(i),
            sequences.begin() +
                static_cast<std::ptrdiff_t>(std::min(sequences.size(), i + static_cast<std::size_t>(options.batch))));
        std::int64_t items = 0;
        const double loss = sequence_loss(network, part, nullptr, device, items).item<double>();
        sum += loss * static_cast<double>(items);
        count += static_cast<double>(items);
      }
      out.emplace_back(style, sum / count);
    }
    return out;
  };

  TrainingTask task;
  task.recipe = {{"network", to_json(shape)},
                 {"batch", options.batch},
                 {"corpus", shard.hash},
                 {"from", parent.is_null() ? "" : parent["hash"].get<std::string>()}};
  for (auto& p : network->named_parameters()) task.parameters.emplace_back(p.key(), p.value());
  task.loss = [&](Random& random, std::int64_t& items) {
    std::vector<std::vector<Token>> sequences;
    for (int i = 0; i < options.batch; ++i) sequences.push_back(train.draw(random));
    return sequence_loss(network, sequences, &random, device, items);
  };
  task.validate = [&] {
    double sum = 0;
    const auto losses = style_losses();
    for (const auto& [style, loss] : losses) sum += loss;
    return sum / static_cast<double>(losses.size());
  };

  TrainerOptions trainer;
  trainer.folder = options.run;
  trainer.seed = options.seed;
  trainer.steps = options.steps;
  trainer.learning_rate = options.learning_rate;
  trainer.warmup = std::min<std::int64_t>(200, options.steps / 10 + 1);
  trainer.evaluate_every = options.evaluate_every;
  trainer.checkpoint_every = options.checkpoint_every;
  trainer.patience = options.patience;
  trainer.seconds = options.seconds;
  const TrainingReport result = run_training(task, trainer);

  TransformerReport report;
  report.steps = result.steps;
  report.best_step = result.best_step;
  report.parameters = parameter_count(shape);
  report.first_loss = result.first_loss;
  report.last_loss = result.losses.empty() ? result.last_loss : result.losses.back().second;
  report.best_validation = result.best_validation;
  report.seconds = result.seconds;
  report.tokens_per_second = result.items_per_second;
  report.stopped_early = result.stopped_early;
  report.losses = result.losses;
  report.validations = result.validations;
  report.validation_by_style = style_losses();

  bool commercial = parent.is_null() || parent["commercial"].get<bool>();
  for (const auto& source : shard.data) commercial = commercial && source.value("commercial", false);
  nlohmann::json data = shard.data;
  if (!parent.is_null())
    for (const auto& source : parent["data"]) data.push_back(source);
  nlohmann::json by_style = nlohmann::json::object();
  for (const auto& [style, loss] : report.validation_by_style) by_style[style] = loss;
  nlohmann::json card{{"name", options.name},
                      {"task", "compose"},
                      {"network", "transformer"},
                      {"options", to_json(shape)},
                      {"tokenizer", shard.tokenizer},
                      {"styles", train.styles()},
                      {"data", data},
                      {"left_out", shard.left_out},
                      {"commercial", commercial},
                      {"training",
                       {{"manifest_hash", shard.hash},
                        {"split_hash", shard.split_hash},
                        {"seed", options.seed},
                        {"steps", report.steps},
                        {"best_step", report.best_step},
                        {"batch", options.batch},
                        {"learning_rate", options.learning_rate},
                        {"validated_on_held_out", validated}}},
                      {"metrics",
                       {{{"command", "train transformer"},
                         {"validation_nats_per_token", report.best_validation},
                         {"by_style", by_style}}}}};
  if (!parent.is_null()) card["from"] = {{"name", parent["name"]}, {"hash", parent["hash"]}};
  save_model(options.out, weights_of(network), card);
  return report;
}

}  // namespace euterpe
