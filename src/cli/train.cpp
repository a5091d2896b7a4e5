#include <fmt/format.h>

#include <toml++/toml.h>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "cli/command.hpp"
#include "corpus/media_catalog_source.hpp"
#include "corpus/shard.hpp"
#include "nn/model.hpp"
#include "recognize/trainer.hpp"
#include "train/transformer.hpp"

namespace euterpe {
namespace {

/// Takes from a TOML file what the command line did not say: each key is an option's long name. `seed`, which belongs
/// to all commands, goes where the caller says.
void apply_recipe(CLI::App& app, const std::filesystem::path& path, std::uint64_t* seed = nullptr) {
  toml::table recipe;
  try {
    recipe = toml::parse(read_text(path), path.string());
  } catch (const toml::parse_error& e) {
    throw Error(Category::usage, "recipe",
                fmt::format("{}:{}: {}", path.string(), e.source().begin.line, e.description()));
  }
  for (const auto& [key, node] : recipe) {
    if (const auto given = node.value<std::int64_t>(); seed && key.str() == "seed" && given && *given >= 0) {
      *seed = static_cast<std::uint64_t>(*given);
      continue;
    }
    const std::string name = "--" + std::string(key.str());
    CLI::Option* option = app.get_option_no_throw(name);
    if (!option)
      throw Error(Category::usage, "recipe",
                  fmt::format("{}:{}: {} is no option of train {}", path.string(), key.source().begin.line, key.str(),
                              app.get_name()));
    if (option->count() > 0) continue;
    if (const auto* text = node.as_string())
      option->add_result(text->get());
    else if (const auto* whole = node.as_integer())
      option->add_result(std::to_string(whole->get()));
    else if (const auto* real = node.as_floating_point())
      option->add_result(fmt::format("{}", real->get()));
    else if (const auto* truth = node.as_boolean())
      option->add_result(truth->get() ? "true" : "false");
    else
      throw Error(Category::usage, "recipe",
                  fmt::format("{}:{}: {} must be a text, a number or true/false", path.string(),
                              key.source().begin.line, key.str()));
    option->run_callback();
  }
}

struct Common {
  std::filesystem::path recipe, data, out;
  std::string name;
};

void add_common(CLI::App& app, Common& c) {
  app.add_option("--recipe", c.recipe, "TOML file with any of these options; the command line wins")
      ->check(CLI::ExistingFile);
  app.add_option("--name", c.name, "Name of the model")->capture_default_str();
  app.add_option("--out", c.out, "Folder to write it to (default: NAME in your own models)");
}

std::filesystem::path out_folder(const Common& c) { return c.out.empty() ? user_models_folder() / c.name : c.out; }

void setup_transformer(CLI::App& app, Context& context) {
  struct Options : Common {
    std::filesystem::path shard, run;
    TransformerTraining training;
    double minutes = 0;
  };
  auto o = std::make_shared<Options>();
  o->name = "my-composer";  // the shipped one's name would hide it
  add_common(app, *o);
  TransformerTraining& t = o->training;
  app.add_option("--corpus", o->shard, "Shard made by prepare");
  app.add_option("--run", o->run,
                 "Folder for checkpoints and metrics; an interrupted run there is resumed (default: OUT.run)");
  app.add_option("--from", t.from, "Model to fine-tune");
  app.add_option("--steps", t.steps, "Optimizer steps")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--minutes", o->minutes, "Stop after so long, 0 = never")->capture_default_str();
  app.add_option("--batch", t.batch, "Sequences a step")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--context", t.network.context, "Tokens a sequence")->capture_default_str();
  app.add_option("--d-model", t.network.d_model, "Width")->capture_default_str();
  app.add_option("--layers", t.network.layers, "Blocks")->capture_default_str();
  app.add_option("--heads", t.network.heads, "Attention heads")->capture_default_str();
  app.add_option("--ff", t.network.ff, "Inner width of the feed-forward part")->capture_default_str();
  app.add_option("--dropout", t.network.dropout, "While training, 0 = off")->capture_default_str();
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
    training.out = out_folder(*o);
    training.run = o->run.empty() ? std::filesystem::path(training.out.string() + ".run") : o->run;
    training.seconds = o->minutes * 60;
    training.seed = context.seed_given ? context.seed : 1;
    const Shard shard = read_shard(o->shard);
    for (const auto& [reason, count] : shard.left_out) spdlog::info("left out of the shard: {} ({})", count, reason);
    const TransformerReport r = train_transformer(shard, training);
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

/// The options of a recognizer are those of its row.
void setup_recognizer(const RecognizerTrainer& row, CLI::App& app, Context& context) {
  struct Options : Common {
    std::filesystem::path run;
    std::uint64_t seed = 1;
    std::map<std::string, double, std::less<>> settings;
  };
  auto o = std::make_shared<Options>();
  o->name = fmt::format("my-{}", row.model ? row.model : row.name);
  add_common(app, *o);
  app.add_option("--data", o->data, row.data)->envname("EUTERPE_DATA")->type_name("DIR");
  app.add_option("--run", o->run,
                 "Folder for checkpoints and metrics; an interrupted run there is resumed (default: OUT.run)")
      ->type_name("DIR");
  for (const Setting& setting : row.settings)
    app.add_option(std::string("--") + setting.name, o->settings[setting.name] = setting.fallback, setting.help)
        ->capture_default_str()
        ->type_name("NUMBER");
  app.callback([o, &row, &app, &context] {
    if (!o->recipe.empty()) apply_recipe(app, o->recipe, &o->seed);
    if (context.seed_given) o->seed = context.seed;
    if (o->data.empty())
      throw Error(Category::usage, "train", "--data is missing", fmt::format("name it: {}", row.data));
    RecognizerTraining training{o->data, out_folder(*o), o->run, o->seed, {}, o->settings};
    if (training.run.empty()) training.run = training.out.string() + ".run";
    if (std::filesystem::exists(context.catalog)) training.forbidden = forbidden_tracks(*open_catalog(context.catalog));
    const nlohmann::json result = row.train(training);
    if (context.json || context.jsonl)
      print_json(result);
    else
      fmt::print("{}\n{}\n", training.out.string(), result.dump(2));
  });
}

}  // namespace

void setup_train(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  setup_transformer(*app.add_subcommand("transformer", "The composer: a decoder Transformer over REMI tokens"),
                    context);
  for (const RecognizerTrainer& row : recognizer_trainers())
    setup_recognizer(row, *app.add_subcommand(row.name, row.summary), context);
}

}  // namespace euterpe
