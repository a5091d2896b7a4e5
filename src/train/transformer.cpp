#include "train/transformer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "corpus/passages.hpp"
#include "nn/model.hpp"
#include "nn/transformer_module.hpp"
#include "score/passage_files.hpp"
#include "score/tokenizers.hpp"
#include "train/data_parallel.hpp"
#include "train/remi_crops.hpp"
#include "train/trainer.hpp"

namespace euterpe {
namespace {

/// Controls stand before the piece. Counted as one token in a thousand each, emotions made no difference to what
/// follows after 600 steps.
constexpr StressedHead kControls{10, 10};

/// Mean nats a token over the sequences, Pad not counted. \param first number of the first sequence in the whole batch
torch::Tensor sequence_loss(TransformerModule& network, const std::vector<std::vector<Token>>& sequences,
                            Random* random, torch::Device device, std::int64_t& items, std::int64_t first = 0,
                            const StressedHead& head = {}) {
  const auto batch = static_cast<std::int64_t>(sequences.size());
  const auto length = static_cast<std::int64_t>(sequences.front().size());
  torch::Tensor tokens = torch::empty({batch, length}, torch::kInt64);
  auto* out = tokens.data_ptr<std::int64_t>();
  std::vector<MusicPlace> places;  // of all but the last token, which nothing follows
  for (const auto& s : sequences) {
    out = std::copy(s.begin(), s.end(), out);
    if (!network->options.musical) continue;
    const auto of_sequence = music_places(s);
    places.insert(places.end(), of_sequence.begin(), of_sequence.end() - 1);
  }
  tokens = tokens.to(device);
  constexpr int kPad = 0;
  items += (tokens.slice(1, 1, length) != kPad).sum().item<std::int64_t>();
  return network->loss(tokens, kPad, random, first, places, head);
}

/// The weights of a model whose vocabulary may be an older one. \param fresh [vocabulary of `network`] tokens that keep
/// their random rows
void load_weights(TransformerModule& network, const Safetensors& file, const std::vector<Token>& tokens,
                  const std::vector<bool>& fresh) {
  torch::NoGradGuard guard;
  for (auto& p : network->named_parameters()) {
    auto shape = p.value().sizes().vec();
    if (p.key() == "embedding") shape[0] = static_cast<std::int64_t>(tokens.size());
    auto values = file.floats(p.key(), shape);
    const torch::Tensor loaded = torch::from_blob(values.data(), shape, torch::kFloat32);
    if (p.key() != "embedding") {
      p.value().copy_(loaded);
      continue;
    }
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (!fresh[tokens[i]]) p.value()[tokens[i]].copy_(loaded[static_cast<std::int64_t>(i)]);
  }
}

/// Which tokens a model has learned. \param known what its vocabulary calls them
std::vector<bool> learned_by(const Model& model, const std::vector<Token>& known) {
  std::vector<bool> out(static_cast<std::size_t>(RemiVocabulary::size()));
  for (const Token t : known) out[t] = true;
  for (const int number : model.card.value("unmet", std::vector<int>{})) {
    if (number < 0 || number >= static_cast<int>(known.size()))
      throw Error(Category::bad_input, "train_transformer",
                  fmt::format("{}: token {} of {} was never met, says its card", model.name, number, known.size()));
    out[known[static_cast<std::size_t>(number)]] = false;
  }
  return out;
}

Safetensors weights_of(TransformerModule& network, DType matrices) {
  Safetensors file;
  for (auto& p : network->named_parameters()) {
    const auto t = p.value().detach().to(torch::kCPU, torch::kFloat32).contiguous();
    // bf16 keeps float's range, so no scale is needed; the norms are tiny and stay exact.
    file.put(p.key(), t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
             t.dim() > 1 ? matrices : DType::f32);
  }
  return file;
}

/// What can be asked of a model that learned these styles of the shard, beyond them: kinds of a style as "folk/jig",
/// and whether its pieces are judged by emotion.
void name_what_can_be_asked(const Shard& shard, const std::vector<std::string>& styles, nlohmann::json& card) {
  std::set<std::string> varieties;
  bool emotions = false;
  for (const ShardPiece& p : shard.pieces) {
    if (p.split != "train" || std::find(styles.begin(), styles.end(), p.style) == styles.end()) continue;
    const RemiControls controls = read_controls(std::span(p.tokens).subspan(1));
    emotions = emotions || controls.get(TokenKind::emotion);
    if (const auto variety = controls.get(TokenKind::variety)) {
      const StyleVariety& v = remi_varieties()[static_cast<std::size_t>(*variety)];
      varieties.insert(fmt::format("{}/{}", v.style, v.name));
    }
  }
  card["varieties"] = varieties;
  card["emotions"] = emotions;
}

}  // namespace

TransformerReport train_transformer(const Shard& shard, const TransformerTraining& options) {
  const Tokenizer& tokenizer = find_tokenizer(kRemiTokens);
  if (shard.tokenizer != tokenizer.name || shard.vocabulary != tokenizer.vocabulary())
    throw Error(Category::bad_input, "train_transformer",
                "the shard was made with the tokenizer " + shard.tokenizer + ", this program has " +
                    std::string(tokenizer.name),
                "run prepare again");
  at::set_num_threads(threads());
  torch::manual_seed(options.seed);
  TransformerOptions shape = options.network;
  nlohmann::json parent;
  Safetensors start;
  std::vector<Token> known;
  std::vector<bool> learned(static_cast<std::size_t>(RemiVocabulary::size()));  // by the parent
  PassageFiles inherited;
  if (!options.from.empty()) {
    const Model model = find_model(options.from);
    inherited = inherited_passages(model.folder);
    if (model.card.value("network", "") == "transformer")
      known = tokens_of_vocabulary(model.card.value("tokenizer", ""));
    if (known.empty())
      throw Error(Category::bad_input, "train_transformer",
                  options.from + " is no Transformer over " + shard.tokenizer);
    const double dropout = shape.dropout;
    shape = transformer_options(model.card.at("options"));
    if (shape.vocabulary != static_cast<int>(known.size()))
      throw Error(Category::bad_input, "train_transformer",
                  fmt::format("{} has {} tokens, its tokenizer {}", options.from, shape.vocabulary, known.size()));
    shape.dropout = dropout;
    learned = learned_by(model, known);
    start = model.weights();
    parent = {{"name", model.name}, {"hash", model.hash}, {"card", model.card}};
  }
  shape.vocabulary = shard.vocabulary;
  shape = transformer_options(to_json(shape));
  const RemiCrops train(shard, "train", shape.context, options.shares);
  if (train.empty())
    throw Error(Category::bad_input, "train_transformer", "the shard holds no training piece",
                "every piece was left out or fell into another split: see the counts that prepare printed");
  const std::vector<std::string> learns = train.styles();
  const auto has = [&](const std::string& style) {
    return std::find(learns.begin(), learns.end(), style) != learns.end();
  };
  for (const auto& [style, how] : options.sampling)
    if (!has(style))
      throw Error(Category::usage, "train_transformer",
                  fmt::format("how to draw the style \"{}\": it learns {}", style, fmt::join(learns, ", ")));
  TransformerModule network(shape);
  if (!options.from.empty()) {
    // Rows that all point one way can hardly be told apart again: what the parent did not learn and is met now begins
    // anew.
    std::vector<bool> fresh = tokens_met(train, options.seed, options.steps, options.batch);
    for (std::size_t t = 0; t < fresh.size(); ++t) fresh[t] = fresh[t] && !learned[t];
    load_weights(network, start, known, fresh);
  }
  const Processes& all = processes();
  const torch::Device device =
      torch::cuda::is_available()
          ? torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(all.local_rank() %
                                                                        static_cast<int>(torch::cuda::device_count())))
          : torch::Device(torch::kCPU);
  network->to(device);
  network->set_compute(options.compute);

  // A handful of pieces may leave no validation split; then the training pieces stand in and the card says so.
  const RemiCrops held_out(shard, "valid", shape.context);
  auto styles = learns;
  const auto all_held_out = held_out.styles();
  std::erase_if(styles, [&](const std::string& style) {
    return std::find(all_held_out.begin(), all_held_out.end(), style) == all_held_out.end();
  });
  const bool validated = !styles.empty();
  if (!validated) styles = learns;
  const RemiCrops& valid = validated ? held_out : train;
  std::map<std::string, std::vector<std::vector<Token>>> validation;
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
  task.recipe = {{"network", to_json(shape)},  {"batch", options.batch},
                 {"corpus", shard.hash},       {"shares", options.shares},
                 {"stress", kControls.weight}, {"from", parent.is_null() ? "" : parent["hash"].get<std::string>()}};
  if (options.compute.bf16) task.recipe["bf16"] = true;
  if (options.batch < all.size())
    throw Error(Category::usage, "train_transformer",
                fmt::format("{} processes cannot share a batch of {} sequences", all.size(), options.batch));
  for (auto& p : network->named_parameters()) task.parameters.emplace_back(p.key(), p.value());
  task.shared = true;
  task.loss = [&](Random& random, std::int64_t& items) {
    // Each process draws the whole batch, so that all agree on it, and learns from its share.
    const auto whole = train.batch(random, options.batch);
    const auto [begin, end] = all.share(options.batch);
    const std::vector<std::vector<Token>> sequences(whole.begin() + begin, whole.begin() + end);
    return sequence_loss(network, sequences, &random, device, items, begin, kControls);
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
  if (!all.first()) return report;  // the first process writes the model
  report.validation_by_style = style_losses();

  bool commercial = parent.is_null() || parent["card"].value("commercial", false);
  for (const auto& source : shard.data) commercial = commercial && source.value("commercial", false);
  nlohmann::json data = shard.data;
  if (!parent.is_null())
    for (const auto& source : parent["card"].value("data", nlohmann::json::array()))
      if (std::find(data.begin(), data.end(), source) == data.end()) data.push_back(source);
  nlohmann::json by_style = nlohmann::json::object();
  for (const auto& [style, loss] : report.validation_by_style) by_style[style] = loss;
  nlohmann::json card{{"name", options.name},
                      {"task", "compose"},
                      {"network", "transformer"},
                      {"options", to_json(shape)},
                      {"tokenizer", shard.tokenizer},
                      {"styles", learns},
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
                        {"shares", options.shares},
                        {"validated_on_held_out", validated}}},
                      {"metrics",
                       {{{"command", "train transformer"},
                         {"validation_nats_per_token", report.best_validation},
                         {"by_style", by_style}}}}};
  if (!parent.is_null()) {
    const nlohmann::json& its = parent["card"];
    card["from"] = {{"name", parent["name"]}, {"hash", parent["hash"]}};
    for (const char* key : {"training", "from"})
      if (its.contains(key)) card["from"][key] = its[key];
    if (its.contains("emotion_guidance")) card["emotion_guidance"] = its["emotion_guidance"];
    const nlohmann::json rows = its.value("sampling", nlohmann::json::object());
    for (const auto& [style, how] : rows.items())
      if (has(style)) card["sampling"][style] = how;
  }
  for (const auto& [style, s] : options.sampling)
    card["sampling"][style] = {{"temperature", s.temperature}, {"top_p", s.top_p}};
  if (options.emotion_guidance) card["emotion_guidance"] = *options.emotion_guidance;
  name_what_can_be_asked(shard, learns, card);
  const std::vector<bool> met = tokens_met(train, options.seed, report.best_step, options.batch);
  card["unmet"] = nlohmann::json::array();
  for (std::size_t t = 0; t < met.size(); ++t)
    if (!met[t] && !learned[t]) card["unmet"].push_back(t);
  save_model(options.out, weights_of(network, options.int8 ? DType::i8 : DType::bf16), card);
  // What the model may not repeat.
  write_passages(options.out, training_passages(shard), inherited);
  return report;
}

}  // namespace euterpe
