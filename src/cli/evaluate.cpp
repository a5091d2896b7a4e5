#include "evaluate/task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "nn/model.hpp"

namespace euterpe {
namespace {

struct ExtraOption {
  const char* name;  ///< the key in EvaluateOptions::extra
  const char* help;
};

/// Options that only some tasks know; a new one is a row here.
constexpr std::array<ExtraOption, 14> kExtras{{
    {"index-from", "identify: folder of the recordings to index, instead of DATA"},
    {"queries", "identify: folder of ready queries"},
    {"truth", "identify: CSV with the columns query,track,condition; an empty track is a stranger"},
    {"history", "recommend: file of histories, user item item …"},
    {"targets", "recommend: file of the items to be found, user item …"},
    {"protocol", "recommend: leave-one-out, or time-split: what is new to a listener after 0.9 of all listens"},
    {"seeds", "recommend: repeat with so many seeds, SEED and on; means and standard errors over them"},
    {"listens-format", "recommend: format of the log, as in `ingest --help`, instead of telling it by its content"},
    {"conditions", "identify: only these, comma-separated"},
    {"source", "key, chords, beat: score or audio; both if not given"},
    {"encoder",
     "emotion-score, composer, drum-style with --folds: 1 = fit the members that hear the score-encoder too"},
    {"emotion-model", "control: model that has learned emotions (default: composer-emotion)"},
    {"clip", "off-policy: weights above this number are cut to it (default 0: none)"},
    {"impulse-response", "identify: recording of a room's response for the reverb conditions"},
}};

std::string task_list() {
  std::size_t width = 0;
  for (const EvaluateTask& task : evaluate_tasks()) width = std::max(width, std::string_view(task.name).size());
  std::string out = "Tasks:\n";
  for (const EvaluateTask& task : evaluate_tasks())
    out += fmt::format("  {:<{}}  {}\n", task.name, width, task.summary);
  return out;
}

/// Nested objects become dotted names, as docs/EVALUATE.md writes the keys.
void print_flat(const nlohmann::json& value, const std::string& prefix,
                std::vector<std::pair<std::string, std::string>>& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) print_flat(inner, prefix.empty() ? key : prefix + "." + key, out);
  } else if (value.is_number_float()) {
    out.emplace_back(prefix, fmt::format("{:.6g}", value.get<double>()));
  } else {
    out.emplace_back(prefix, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

nlohmann::json evaluate(const EvaluateTask& task, const EvaluateOptions& options) {
  if (!std::filesystem::exists(options.data))
    throw Error(Category::not_found, "evaluate", options.data.string() + ": no such file or folder");
  nlohmann::json found = task.run(options);
  nlohmann::json report{{"task", task.name}, {"data", options.data.string()}, {"seed", options.seed}};
  report["split"] = options.split.empty() ? nlohmann::json(nullptr) : nlohmann::json(options.split);
  report["model"] = nullptr;
  if (!options.model.empty() && !found.contains("model")) {
    report["model"] = {{"name", options.model}, {"hash", nullptr}};
    try {
      report["model"]["hash"] = find_model(options.model).hash;
    } catch (const Error&) {
      // A model that is fitted anew for each run has a name and no file.
    }
  }
  if (options.folds > 0) report["folds"] = options.folds;
  if (options.limit > 0) report["limit"] = options.limit;
  report.update(found);
  return report;
}

}  // namespace

void setup_evaluate(CLI::App& app, Context& context) {
  auto options = std::make_shared<EvaluateOptions>();
  auto name = std::make_shared<std::string>();
  std::vector<std::string> names;
  for (const EvaluateTask& task : evaluate_tasks()) names.emplace_back(task.name);
  app.footer(task_list());
  app.add_option("task", *name, "What to measure")->required()->check(CLI::IsMember(names))->type_name("TASK");
  app.add_option("--data", options->data, "File or folder in its publisher's layout")->required()->type_name("PATH");
  app.add_option("--split", options->split, "Part of the data; the task's own default if not given")->type_name("NAME");
  app.add_option("--folds", options->folds, "Train and test by so many folds instead of measuring shipped weights")
      ->check(CLI::Range(2, 1000).description(""))
      ->type_name("N");
  app.add_option("--model", options->model, "Model or method; the task's own default if not given")->type_name("NAME");
  app.add_option("--limit", options->limit, "At most so many items")
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  for (const ExtraOption& extra : kExtras)
    app.add_option_function<std::string>(
           fmt::format("--{}", extra.name),
           [options, &extra](const std::string& value) { options->extra[extra.name] = value; }, extra.help)
        ->type_name("PATH");
  app.callback([&context, options, name] {
    const auto& table = evaluate_tasks();
    const auto task = std::find_if(table.begin(), table.end(), [&](const EvaluateTask& t) { return t.name == *name; });
    EUTERPE_ASSERT(task != table.end());
    options->seed = context.seed;
    const nlohmann::json report = evaluate(*task, *options);
    if (context.json) return print_json(report);
    if (context.jsonl) return print_json_line(report);
    std::vector<std::pair<std::string, std::string>> lines;
    print_flat(report, "", lines);
    std::size_t width = 0;
    for (const auto& line : lines) width = std::max(width, line.first.size());
    for (const auto& [key, value] : lines) fmt::print("{:<{}}  {}\n", key, width, value);
  });
}

}  // namespace euterpe
