#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <sstream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/train.hpp"
#include "compose/sampler.hpp"
#include "corpus/shard.hpp"
#include "train/data_parallel.hpp"
#include "train/transformer.hpp"

namespace euterpe {
namespace {

std::map<std::string, double> parse_shares(const std::string& text) {
  std::map<std::string, double> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    const auto equal = word.find('=');
    const char* end = word.data() + word.size();
    double share = 0;
    if (equal == std::string::npos || std::from_chars(word.data() + equal + 1, end, share).ptr != end)
      throw Error(Category::usage, "train", fmt::format("--shares: \"{}\" is not STYLE=NUMBER", word));
    out[word.substr(0, equal)] = share;
  }
  return out;
}

/// "pop=0.93/1,folk=1/0.95": temperature and top-p.
std::map<std::string, StyleSampling> parse_sampling(const std::string& text) {
  std::map<std::string, StyleSampling> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    const auto equal = word.find('='), slash = word.find('/');
    StyleSampling value;
    const char *begin = word.data(), *end = begin + word.size();
    const bool read = equal != std::string::npos && slash != std::string::npos && equal < slash &&
                      std::from_chars(begin + equal + 1, begin + slash, value.temperature).ptr == begin + slash &&
                      std::from_chars(begin + slash + 1, end, value.top_p).ptr == end;
    if (!read)
      throw Error(Category::usage, "train",
                  fmt::format("--sampling: \"{}\" is not STYLE=TEMPERATURE/TOP-P, as in pop=0.93/1", word));
    // compose itself is not there in a build without media; its ranges are.
    if (!(value.temperature > 0 && value.temperature <= kHighestTemperature && value.top_p > 0 && value.top_p <= 1))
      throw Error(
          Category::usage, "train",
          fmt::format("--sampling: \"{}\": a temperature is above 0 and at most {}, top-p above 0 and at most 1", word,
                      kHighestTemperature));
    out[word.substr(0, equal)] = value;
  }
  return out;
}

}  // namespace

void setup_train_transformer(CLI::App& app, Context& context) {
  struct Options : TrainCommand {
    std::filesystem::path shard;
    TransformerTraining training;
    double minutes = 0;
    std::string shares, sampling;
  };
  auto o = std::make_shared<Options>();
  o->name = "my-composer";  // the shipped one's name would hide it
  o->add_to(app);
  TransformerTraining& t = o->training;
  app.add_option("--corpus", o->shard, "Shard made by prepare");
  app.add_option("--from", t.from, "Model to fine-tune");
  app.add_option("--shares", o->shares,
                 "How often styles are drawn, as in folk=2,pop=3; those not named are left out (default: all, by the "
                 "square root of their tokens)");
  app.add_option("--sampling", o->sampling,
                 "Temperature and top-p with which compose draws a style, chosen on validation pieces: pop=0.93/1; "
                 "they stand in the card, beside those of the parent");
  app.add_option(
         "--emotion-guidance", t.emotion_guidance,
         "Guidance with which compose draws what has an emotion, 1 = off (default: the parent's); it stands in the "
         "card")
      ->check(CLI::Range(0.0, 10.0));
  app.add_option("--steps", t.steps, "Optimizer steps")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--minutes", o->minutes, "Stop after so long, 0 = never")->capture_default_str();
  app.add_option("--batch", t.batch, "Sequences a step")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--context", t.network.context, "Tokens a sequence")->capture_default_str();
  app.add_option("--d-model", t.network.d_model, "Width")->capture_default_str();
  app.add_option("--layers", t.network.layers, "Blocks")->capture_default_str();
  app.add_option("--heads", t.network.heads, "Attention heads")->capture_default_str();
  app.add_option("--ff", t.network.ff, "Inner width of the feed-forward part")->capture_default_str();
  app.add_option("--dropout", t.network.dropout, "While training, 0 = off")->capture_default_str();
  app.add_flag("--bf16", t.compute.bf16, "Matrix products in bf16; weights and optimizer stay float32");
  app.add_flag("--checkpointing", t.compute.checkpoint, "Compute blocks again instead of keeping them: less memory");
  app.add_flag("--int8", t.int8, "Save the weights in eight bits a number: half the size");
  app.add_option("--learning-rate", t.learning_rate, "Peak of the schedule")->capture_default_str();
  app.add_option("--evaluate-every", t.evaluate_every, "Steps between validations")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--checkpoint-every", t.checkpoint_every, "Steps between checkpoints")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--patience", t.patience, "Validations without gain before stopping, 0 = never")
      ->capture_default_str();
  app.callback([o, &app, &context] {
    if (!o->recipe.empty()) apply_recipe(app, o->recipe);
    if (o->shard.empty())
      throw Error(Category::usage, "train", "--corpus is missing", "make a shard with euterpe prepare");
    TransformerTraining training = o->training;
    training.name = o->name;
    training.out = o->model_folder();
    training.run = o->run_folder();
    training.seconds = o->minutes * 60;
    training.shares = parse_shares(o->shares);
    training.sampling = parse_sampling(o->sampling);
    training.seed = context.seed_given ? context.seed : 1;
    const Shard shard = read_shard(o->shard);
    for (const auto& [reason, count] : shard.left_out) spdlog::info("left out of the shard: {} ({})", count, reason);
    const TransformerReport r = train_transformer(shard, training);
    if (!processes().first()) return;  // of several processes one speaks
    nlohmann::json by_style = nlohmann::json::object();
    for (const auto& [style, loss] : r.validation_by_style) by_style[style] = loss;
    if (context.json) {
      print_json({{"model", training.out.string()},
                  {"parameters", r.parameters},
                  {"steps", r.steps},
                  {"best_step", r.best_step},
                  {"first_loss", r.first_loss},
                  {"last_loss", r.last_loss},
                  {"validation", r.best_validation},
                  {"validation_by_style", by_style},
                  {"seconds", r.seconds},
                  {"tokens_per_second", r.tokens_per_second},
                  {"stopped_early", r.stopped_early}});
      return;
    }
    fmt::print("{}: {} parameters, {} steps in {:.0f} s, {:.0f} tokens/s\n", training.out.string(), r.parameters,
               r.steps, r.seconds, r.tokens_per_second);
    fmt::print("  loss {:.3f} -> {:.3f} nats a token; validation {:.3f} at step {}\n", r.first_loss, r.last_loss,
               r.best_validation, r.best_step);
    for (const auto& [style, loss] : r.validation_by_style) fmt::print("  {:<10} {:.3f}\n", style, loss);
  });
}

}  // namespace euterpe
