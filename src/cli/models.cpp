#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "nn/model.hpp"

namespace euterpe {
namespace {

/// A model whose card does not say that it may be used commercially may not.
bool commercial(const Model& model) { return model.card.value("commercial", nlohmann::json(false)) == true; }

std::string licences(const Model& model) {
  std::vector<std::string> out;
  if (const auto data = model.card.find("data"); data != model.card.end() && data->is_array())
    for (const auto& set : *data)
      if (set.is_object() && set.contains("licence") && set["licence"].is_string())
        if (const auto text = set["licence"].get<std::string>(); std::find(out.begin(), out.end(), text) == out.end())
          out.push_back(text);
  return out.empty() ? "none stated" : fmt::format("{}", fmt::join(out, ", "));
}

nlohmann::json to_json(const Model& model) {
  return {{"name", model.name},
          {"folder", model.folder.string()},
          {"hash", model.hash},
          {"commercial", commercial(model)},
          {"card", model.card}};
}

void list(const Context& context, bool commercial_only) {
  std::vector<Model> models = list_models();
  const std::size_t all = models.size();
  if (commercial_only) std::erase_if(models, [](const Model& m) { return !commercial(m); });
  if (context.jsonl) {
    for (const Model& m : models) print_json_line(to_json(m));
    return;
  }
  if (context.json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Model& m : models) rows.push_back(to_json(m));
    print_json({{"models", rows}, {"left_out", all - models.size()}});
    return;
  }
  std::size_t name_width = 4, task_width = 4;
  for (const Model& m : models) {
    name_width = std::max(name_width, m.name.size());
    task_width = std::max(task_width, m.card["task"].get_ref<const std::string&>().size());
  }
  if (!models.empty())
    fmt::print("{:<{}}  {:<{}}  {:<12}  {:<10}  {}\n", "name", name_width, "task", task_width, "hash", "commercial",
               "learned from");
  for (const Model& m : models)
    fmt::print("{:<{}}  {:<{}}  {:<12}  {:<10}  {}\n", m.name, name_width, m.card["task"].get_ref<const std::string&>(),
               task_width, m.hash.substr(0, 12), commercial(m) ? "yes" : "no", licences(m));
  if (all > models.size()) fmt::print("{} left out: not for commercial use\n", all - models.size());
  if (all == 0)
    fmt::print("no model in {} nor among the shipped ones; `euterpe train` makes one\n", user_models_folder().string());
}

void show(const Context& context, const std::string& name, bool commercial_only) {
  const Model model = find_model(name);
  if (commercial_only && !commercial(model))
    throw Error(Category::refused, "models",
                fmt::format("'{}' may not be used commercially; it learned from: {}", model.name, licences(model)),
                "train a replacement on data whose licence allows it with `euterpe train`");
  const Safetensors weights = model.weights();  // checks the hash
  std::int64_t parameters = 0;
  for (const auto& [_, tensor] : weights.tensors) parameters += tensor.count();
  if (context.json || context.jsonl) {
    nlohmann::json out = to_json(model);
    out["parameters"] = parameters;
    return context.json ? print_json(out) : print_json_line(out);
  }
  auto line = [](std::string_view label, const std::string& text) { fmt::print("{:<14}{}\n", label, text); };
  line("name", model.name);
  line("task", model.card["task"].get<std::string>());
  line("network", model.card["network"].get<std::string>());
  line("parameters", std::to_string(parameters));
  line("folder", model.folder.string());
  line("hash", model.hash);
  line("commercial", commercial(model) ? "yes" : "no");
  if (const auto data = model.card.find("data"); data != model.card.end() && data->is_array())
    for (const auto& set : *data) line("learned from", set.dump());
  for (const char* key : {"options", "tokenizer", "left_out", "training"})
    if (const auto it = model.card.find(key); it != model.card.end() && !it->is_null()) line(key, it->dump());
  if (const auto metrics = model.card.find("metrics"); metrics != model.card.end() && metrics->is_array())
    for (const auto& metric : *metrics) line("measured", metric.dump());
}

}  // namespace

void setup_models(CLI::App& app, Context& context) {
  auto only = std::make_shared<bool>(false);
  auto name = std::make_shared<std::string>();
  const char* help = "Leave out (list) or refuse (show) what may not be used commercially";
  app.require_subcommand(0, 1);
  app.callback([&app, &context] {
    if (app.get_subcommands().empty()) list(context, false);
  });
  CLI::App* all = app.add_subcommand("list", "Every model that can be found, the user's first");
  all->add_flag("--commercial", *only, help);
  all->callback([&context, only] { list(context, *only); });
  CLI::App* one = app.add_subcommand("show", "One model: terms, data, measurements; its weights are checked");
  one->add_option("model", *name, "Name, or folder with a slash in it")->required();
  one->add_flag("--commercial", *only, help);
  one->callback([&context, only, name] { show(context, *name, *only); });
}

}  // namespace euterpe
