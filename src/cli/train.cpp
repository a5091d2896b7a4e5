#include "cli/train.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cmath>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "base/files.hpp"
#include "nn/model.hpp"
#include "train/gan_trainers.hpp"
#include "train/keyed_trainers.hpp"
#include "train/passages.hpp"
#include "train/vae_trainers.hpp"

namespace euterpe {

void TrainCommand::add_to(CLI::App& app) {
  app.add_option("--recipe", recipe, "TOML file with any of these options; the command line wins")
      ->check(CLI::ExistingFile);
  app.add_option("--name", name, "Name of the model")->capture_default_str();
  app.add_option("--out", out, "Folder to write it to (default: NAME in your own models)");
  app.add_option("--run", run,
                 "Folder for checkpoints and metrics; an interrupted run there is resumed (default: OUT.run)")
      ->type_name("DIR");
}

std::filesystem::path TrainCommand::model_folder() const { return out.empty() ? user_models_folder() / name : out; }

std::filesystem::path TrainCommand::run_folder() const {
  return run.empty() ? std::filesystem::path(model_folder().string() + ".run") : run;
}

void apply_recipe(CLI::App& app, const std::filesystem::path& path, std::uint64_t* seed) {
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

void setup_train_row(const TrainerRow& row, CLI::App& app, Context& context) {
  struct Options : TrainCommand {
    std::filesystem::path data;
    std::uint64_t seed = 1;
    std::map<std::string, double, std::less<>> settings;
    std::map<std::string, std::string, std::less<>> words;
  };
  auto o = std::make_shared<Options>();
  o->name = fmt::format("my-{}", row.model ? row.model : row.name);
  o->add_to(app);
  app.add_option("--data", o->data, row.data)->envname("EUTERPE_DATA")->type_name("DIR");
  for (const Setting& setting : row.settings) {
    CLI::Option* option =
        app.add_option(std::string("--") + setting.name, o->settings[setting.name] = setting.fallback, setting.help)
            ->type_name("NUMBER");
    if (!std::isnan(setting.fallback)) option->capture_default_str();
  }
  for (const WordSetting& setting : row.words) {
    CLI::Option* option =
        app.add_option(std::string("--") + setting.name, o->words[setting.name] = setting.fallback, setting.help)
            ->capture_default_str();
    if (!setting.known.empty())
      option->check(CLI::IsMember(std::vector<std::string>(setting.known.begin(), setting.known.end())));
  }
  app.callback([o, &row, &app, &context] {
    if (!o->recipe.empty()) apply_recipe(app, o->recipe, &o->seed);
    if (context.seed_given) o->seed = context.seed;
    if (o->data.empty())
      throw Error(Category::usage, "train", "--data is missing", fmt::format("name it: {}", row.data));
    const TrainingRequest training{
        o->data, o->model_folder(), o->run_folder(), o->seed, forbidden_by(context.catalog), o->settings, o->words};
    const nlohmann::json result = row.train(training);
    if (context.json || context.jsonl)
      print_json(result);
    else
      fmt::print("{}\n{}\n", training.out.string(), result.dump(2));
  });
}

void setup_train(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  setup_train_transformer(*app.add_subcommand("transformer", "The composer: a decoder Transformer over REMI tokens"),
                          context);
  for (const TrainerRow& row : keyed_trainers())
    setup_train_row(row, *app.add_subcommand(row.name, row.summary), context);
  for (const TrainerRow& row : gan_trainers())
    setup_train_row(row, *app.add_subcommand(row.name, row.summary), context);
  for (const TrainerRow& row : vae_trainers())
    setup_train_row(row, *app.add_subcommand(row.name, row.summary), context);
  for (const TrainerRow& row : passage_trainers())
    setup_train_row(row, *app.add_subcommand(row.name, row.summary), context);
  setup_train_services(app, context);
}

}  // namespace euterpe
