#include "recommend/ranking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "evaluate/listening_log.hpp"
#include "evaluate/task.hpp"

namespace euterpe {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeldPositions = 3;  // the validation item and the two before it: three times less noise than one
constexpr std::size_t kMostValidation = 3000;  // queries that settings are chosen on; more would only cost time
constexpr std::size_t kShort = 5;              // histories of at most so many items are also reported apart
constexpr std::size_t kNegatives = 99;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Everything that is asked at the test, with items numbered.
struct Task {
  std::vector<History> histories;  ///< what may be learned from: the validation items are in it, the test items are not
  std::vector<RankingQuery> queries;
  std::vector<History> negatives;  ///< beside queries
  bool negatives_given = false;
  int items = 0;
  std::size_t without_history = 0;
  json files;
};

struct Files {
  std::filesystem::path log, sample, targets;
};

/// The files named one by one, or the log in `data` with its negatives.
Files find_files(const EvaluateOptions& options) {
  Files files;
  const auto extra = [&](const char* name) -> std::filesystem::path {
    const auto found = options.extra.find(name);
    return found == options.extra.end() ? "" : found->second;
  };
  files.targets = extra("targets");
  files.log = extra("history");
  if (files.targets.empty() != files.log.empty())
    throw Error(Category::usage, "evaluate_recommend", "--history and --targets belong together",
                "give both, or neither with --data");
  if (!files.log.empty()) return files;

  files.log = find_listening_log(options.data);
  const auto sample = files.log.parent_path() / (files.log.stem().string() + "_sample.txt");
  if (std::filesystem::exists(sample)) files.sample = sample;
  return files;
}

/// The lines of `others` by the line of `log` that they belong to: by user where there are users, else by order.
std::map<std::size_t, const LogLine*> match(const std::vector<LogLine>& log, const std::vector<LogLine>& others) {
  std::map<std::int64_t, const LogLine*> by_user;
  for (const LogLine& line : others)
    if (line.user >= 0) by_user[line.user] = &line;
  std::map<std::size_t, const LogLine*> matched;
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (log[i].user < 0 && i < others.size()) matched[i] = &others[i];
    const auto found = by_user.find(log[i].user);
    if (log[i].user >= 0 && found != by_user.end()) matched[i] = found->second;
  }
  return matched;
}

Task load(const EvaluateOptions& options) {
  const Files files = find_files(options);
  const std::vector<LogLine> log = read_log(files.log);
  const bool has_users = log.front().user >= 0;
  std::vector<LogLine> targets, sample;
  if (!files.targets.empty()) targets = read_log(files.targets, has_users);
  if (!files.sample.empty()) sample = read_log(files.sample, has_users);

  ItemNumbers numbers;
  for (const std::vector<LogLine>* lines : {&log, &std::as_const(targets), &std::as_const(sample)})
    for (const LogLine& line : *lines) numbers.add(line.items);
  numbers.finish();

  Task task;
  task.items = numbers.count();
  task.negatives_given = !sample.empty();
  task.files = {{"log", files.log.filename().string()}};
  if (!sample.empty()) task.files["negatives"] = files.sample.filename().string();
  if (!targets.empty()) task.files["targets"] = files.targets.filename().string();

  const auto target_lines = match(log, targets), sample_lines = match(log, sample);
  for (std::size_t i = 0; i < log.size(); ++i) {
    History history = numbers.numbers(log[i].items);
    int target = -1;
    if (targets.empty()) {
      if (!history.empty()) target = history.back();
      if (!history.empty()) history.pop_back();
    } else if (const auto found = target_lines.find(i); found != target_lines.end() && !found->second->items.empty()) {
      if (found->second->items.size() > 1)
        throw Error(Category::bad_input, "evaluate_recommend",
                    fmt::format("{}: line {}: {} items, expected one target", files.targets.string(),
                                found->second->line, found->second->items.size()),
                    has_users ? "a line of targets is: user item" : "a line of targets is: item");
      target = numbers.number(found->second->items.front());
    }
    task.histories.push_back(history);
    if (target < 0) continue;
    if (history.empty()) {
      ++task.without_history;
      continue;
    }
    if (options.limit > 0 && task.queries.size() >= static_cast<std::size_t>(options.limit)) continue;
    const auto given = sample_lines.find(i);
    task.negatives.push_back(given == sample_lines.end() ? History{} : numbers.numbers(given->second->items));
    task.queries.push_back({std::move(history), target});
  }
  if (task.queries.empty())
    throw Error(Category::bad_input, "evaluate_recommend",
                files.log.string() + ": no listener has both a history and a test item",
                "a listener needs two listens or more");
  return task;
}

/// Where the set brings no negatives: 99 items that the listener has not heard, evenly drawn.
void draw_negatives(Task& task, std::uint64_t seed) {
  for (std::size_t q = 0; q < task.queries.size(); ++q) {
    History& drawn = task.negatives[q];
    if (!drawn.empty()) continue;
    Random random = Random::stream(seed, q);
    std::unordered_set<int> taken(task.queries[q].history.begin(), task.queries[q].history.end());
    taken.insert(task.queries[q].target);
    while (drawn.size() < kNegatives && taken.size() < static_cast<std::size_t>(task.items)) {
      const int item = static_cast<int>(random.below(static_cast<std::uint64_t>(task.items)));
      if (taken.insert(item).second) drawn.push_back(item);
    }
  }
}

json settings_json(const Settings& settings) {
  json result = json::object();
  for (const auto& [key, value] : settings) result[key] = value;
  return result;
}

void put(json& report, const std::string& key, const std::vector<double>& values, std::uint64_t seed) {
  const Estimate estimate = bootstrap_mean(values, seed);
  report[key] = estimate.mean;
  report[key + "_ci"] = {estimate.low, estimate.high};
}

/// Fits with everything but the test items and asks the test's queries, one at a time on one thread.
json test(const ModelRow& row, const Choice& choice, const Task& task, std::uint64_t seed) {
  const auto model = row.make();
  model->configure(choice.settings);
  const auto start = Clock::now();
  model->fit(task.histories, task.items);
  const double train_seconds = seconds_since(start);

  std::vector<double> hr_full, ndcg_full, hr_negatives, ndcg_negatives, hr_short;
  std::set<int> named;
  std::vector<float> scores(static_cast<std::size_t>(task.items));
  double query_seconds = 0;
  for (std::size_t q = 0; q < task.queries.size(); ++q) {
    check_interrupt();
    const RankingQuery& query = task.queries[q];
    const auto asked = Clock::now();
    model->score(query.history, scores);
    std::vector<bool> excluded(scores.size(), false);
    for (const int item : query.history) excluded[static_cast<std::size_t>(item)] = item != query.target;
    const std::vector<int> top = best_items(scores, excluded, 10);
    query_seconds += seconds_since(asked);
    named.insert(top.begin(), top.end());
    const int rank = rank_among_all(scores, query.target, query.history);
    hr_full.push_back(hit_rate(rank, 10));
    ndcg_full.push_back(ndcg(rank, 10));
    if (query.history.size() <= kShort) hr_short.push_back(hr_full.back());
    const int among = rank_among(scores, query.target, task.negatives[q]);
    hr_negatives.push_back(hit_rate(among, 10));
    ndcg_negatives.push_back(ndcg(among, 10));
  }
  json report{{"options", settings_json(choice.settings)},
              {"options_tried", choice.tried},
              {"validation", {{"hr10", choice.validation.hr10}, {"ndcg10", choice.validation.ndcg10}}},
              {"coverage10", static_cast<double>(named.size()) / task.items},
              {"train_seconds", train_seconds},
              {"microseconds_per_query", 1e6 * query_seconds / static_cast<double>(task.queries.size())}};
  put(report, "hr10_full", hr_full, seed);
  put(report, "ndcg10_full", ndcg_full, seed);
  put(report, "hr10_99neg", hr_negatives, seed);
  put(report, "ndcg10_99neg", ndcg_negatives, seed);
  report["short_histories"] = {{"at_most", kShort}, {"users", hr_short.size()}};
  put(report["short_histories"], "hr10_full", hr_short, seed);
  return report;
}

}  // namespace

json evaluate_recommend(const EvaluateOptions& options) {
  if (!options.model.empty()) recommend_model(options.model);
  Task task = load(options);
  draw_negatives(task, options.seed);
  HeldOut held_out = hold_out(task.histories, kHeldPositions);
  if (held_out.queries.size() > kMostValidation) {
    Random random(options.seed);
    random.shuffle(held_out.queries);
    held_out.queries.resize(kMostValidation);
  }

  json models = json::object();
  std::string headline = options.model;
  double best = -1;
  for (const ModelRow& row : recommend_models()) {
    if (!options.model.empty() && options.model != row.name) continue;
    if (task.items > kMostDenseItems && std::string_view(row.name).starts_with("ease")) {
      spdlog::warn("{} is left out: {} items, a dense fit goes up to {}", row.name, task.items, kMostDenseItems);
      if (!options.model.empty()) EaseFitter({}, task.items);  // says why
      continue;
    }
    const auto model = row.make();
    Progress progress(std::string("choosing options of ") + row.name, 0, "attempts");
    const Choice choice =
        choose_settings(*model, row, held_out, task.items, [&](const Settings& settings, const Quality& quality) {
          progress.advance();
          spdlog::debug("{} {}: validation HR@10 {:.4f}, NDCG@10 {:.4f}", row.name, settings_json(settings).dump(),
                        quality.hr10, quality.ndcg10);
        });
    models[row.name] = test(row, choice, task, options.seed);
    if (options.model.empty() && choice.validation.ndcg10 > best) {
      best = choice.validation.ndcg10;
      headline = row.name;
    }
  }

  std::size_t listens = 0;
  for (const History& history : task.histories) listens += history.size();
  json report = models[headline];
  report["split"] = "test";
  report["model"] = {
      {"name", headline}, {"hash", nullptr}, {"chosen_by", options.model.empty() ? "validation" : "--model"}};
  report["users"] = task.queries.size();
  report["users_without_history"] = task.without_history;
  report["items"] = task.items;
  report["listens"] = listens;
  report["negatives"] = task.negatives_given ? "given" : "drawn";
  report["validation_queries"] = held_out.queries.size();
  report["files"] = task.files;
  if (options.limit > 0) report["limit"] = options.limit;
  report["models"] = std::move(models);
  return report;
}

}  // namespace euterpe
