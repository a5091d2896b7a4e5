#include "recommend/ranking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "evaluate/listening_log.hpp"
#include "evaluate/task.hpp"
#include "recommend/blend.hpp"

namespace euterpe {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeldPositions = 3;  // the validation item and the two before it: three times less noise than one
constexpr std::size_t kMostValidation = 3000;  // queries that settings are chosen on; more would only cost time
constexpr std::size_t kShort = 5;              // histories of at most so many items are also reported apart
constexpr std::size_t kNegatives = 99;
constexpr double kFirstShare = 0.9;  // of all listens, in order of time: what is learned from under "time-split"

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

/// The log in `data`: the file itself in any format, or in a folder NAME.txt beside NAME_sample.txt, train.txt, or the
/// only .txt.
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
  const auto format = options.extra.find("listens-format"), protocol = options.extra.find("protocol");
  const bool by_time = protocol != options.extra.end() && protocol->second == "time-split";
  if (protocol != options.extra.end() && !by_time && protocol->second != "leave-one-out")
    throw Error(Category::usage, "evaluate_recommend", fmt::format("unknown protocol \"{}\"", protocol->second),
                "there are leave-one-out and time-split");
  if (by_time && !files.targets.empty())
    throw Error(Category::usage, "evaluate_recommend", "--targets are given: there is nothing to split by time");
  HistoryLog read = read_log(files.log, format == options.extra.end() ? "" : format->second, by_time ? kFirstShare : 1);
  std::vector<LogLine>& log = read.listeners;
  const bool has_users = log.front().user >= 0;
  std::vector<LogLine> targets, sample;
  if (!read.own_ids && !(files.targets.empty() && files.sample.empty()))
    throw Error(Category::usage, "evaluate_recommend",
                fmt::format("{} is a log of the format {}; files of targets and of negatives go with sequences alone",
                            files.log.string(), read.format),
                "without them the last item is the target and negatives are drawn");
  if (!files.targets.empty()) targets = read_sequences(files.targets, has_users);
  if (!files.sample.empty()) sample = read_sequences(files.sample, has_users);

  ItemNumbers numbers;
  for (const std::vector<LogLine>* lines : {&std::as_const(log), &std::as_const(targets), &std::as_const(sample)})
    for (const LogLine& line : *lines) numbers.add(line.items);
  numbers.finish();

  Task task;
  task.items = numbers.count();
  task.negatives_given = !sample.empty();
  task.files = {{"log", files.log.filename().string()}, {"protocol", by_time ? "time-split" : "leave-one-out"}};
  if (by_time) task.files["split_time"] = format_time(read.split_time);
  if (!sample.empty()) task.files["negatives"] = files.sample.filename().string();
  if (!targets.empty()) task.files["targets"] = files.targets.filename().string();
  if (!read.own_ids) {
    for (const std::string& problem : read.summary.problems) spdlog::warn("{}: {}", files.log.string(), problem);
    task.files["format"] = read.format;
    task.files["broken_lines"] = read.summary.broken;
  }

  const auto target_lines = match(log, targets), sample_lines = match(log, sample);
  for (std::size_t i = 0; i < log.size(); ++i) {
    History history = numbers.numbers(std::move(log[i].items));
    int target = -1;
    if (by_time) {  // the first thing that is new to the listener
      const History later(history.end() - static_cast<std::ptrdiff_t>(log[i].after), history.end());
      history.resize(history.size() - log[i].after);
      for (std::size_t k = 0; k < later.size() && target < 0; ++k)
        if (std::find(history.begin(), history.end(), later[k]) == history.end()) target = later[k];
    } else if (targets.empty()) {
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

/// What a model answers at the test, query by query.
struct Answers {
  std::vector<double> hr_full, ndcg_full, hr_negatives, ndcg_negatives;
  json report;
};

/// Asks the test's queries, one at a time on one thread.
Answers ask(const ItemModel& model, const Task& task, std::uint64_t seed) {
  Answers out;
  std::vector<double> hr_short;
  std::set<int> named;
  std::vector<float> scores(static_cast<std::size_t>(task.items));
  double query_seconds = 0;
  for (std::size_t q = 0; q < task.queries.size(); ++q) {
    check_interrupt();
    const RankingQuery& query = task.queries[q];
    const auto asked = Clock::now();
    model.score(query.history, scores);
    std::vector<bool> excluded(scores.size(), false);
    for (const int item : query.history) excluded[static_cast<std::size_t>(item)] = item != query.target;
    const std::vector<int> top = best_items(scores, excluded, 10);
    query_seconds += seconds_since(asked);
    named.insert(top.begin(), top.end());
    const int rank = rank_among_all(scores, query.target, query.history);
    out.hr_full.push_back(hit_rate(rank, 10));
    out.ndcg_full.push_back(ndcg(rank, 10));
    if (query.history.size() <= kShort) hr_short.push_back(out.hr_full.back());
    const int among = rank_among(scores, query.target, task.negatives[q]);
    out.hr_negatives.push_back(hit_rate(among, 10));
    out.ndcg_negatives.push_back(ndcg(among, 10));
  }
  out.report = {{"coverage10", static_cast<double>(named.size()) / task.items},
                {"microseconds_per_query", 1e6 * query_seconds / static_cast<double>(task.queries.size())}};
  put(out.report, "hr10_full", out.hr_full, seed);
  put(out.report, "ndcg10_full", out.ndcg_full, seed);
  put(out.report, "hr10_99neg", out.hr_negatives, seed);
  put(out.report, "ndcg10_99neg", out.ndcg_negatives, seed);
  out.report["short_histories"] = {{"at_most", kShort}, {"users", hr_short.size()}};
  put(out.report["short_histories"], "hr10_full", hr_short, seed);
  return out;
}

/// By how much `ours` is ahead of `theirs`, listener by listener.
json ahead(const Answers& ours, const Answers& theirs, std::uint64_t seed) {
  json out;
  const auto difference = [&](const char* key, const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> values(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) values[i] = a[i] - b[i];
    put(out, key, values, seed);
  };
  difference("hr10_full", ours.hr_full, theirs.hr_full);
  difference("ndcg10_full", ours.ndcg_full, theirs.ndcg_full);
  difference("hr10_99neg", ours.hr_negatives, theirs.hr_negatives);
  difference("ndcg10_99neg", ours.ndcg_negatives, theirs.ndcg_negatives);
  return out;
}

/// A row of the table on its way through the evaluation.
struct Contestant {
  Choice choice;
  std::shared_ptr<ItemModel> validated;  ///< fitted without the validation items, with the settings that they chose
  std::shared_ptr<ItemModel> final;      ///< fitted with everything but the test items
  double train_seconds = 0;
  Answers answers;
};

using Contestants = std::map<std::string, Contestant>;

/// A row's model, or the blend of what its parts have become.
std::shared_ptr<ItemModel> make_model(const ModelRow& row, const Contestants& all,
                                      std::shared_ptr<ItemModel> Contestant::*which) {
  if (row.make) return row.make();
  std::vector<std::shared_ptr<const ItemModel>> parts;
  for (const char* part : row.parts) parts.push_back(all.at(part).*which);
  return std::make_shared<Blend>(std::move(parts));
}

Contestant run_model(const ModelRow& row, const Contestants& before, const Task& task, const HeldOut& held_out,
                     std::uint64_t seed) {
  Contestant out;
  out.validated = make_model(row, before, &Contestant::validated);
  out.validated->seed(seed);
  Progress progress(std::string("choosing options of ") + row.name, 0, "attempts");
  out.choice =
      choose_settings(*out.validated, row, held_out, task.items, [&](const Settings& settings, const Quality& quality) {
        progress.advance();
        spdlog::debug("{} {}: validation HR@10 {:.4f}, NDCG@10 {:.4f}", row.name, settings_json(settings).dump(),
                      quality.hr10, quality.ndcg10);
      });
  out.final = make_model(row, before, &Contestant::final);
  out.final->seed(seed);
  out.final->configure(out.choice.settings);
  const auto start = Clock::now();
  out.final->fit(task.histories, task.items);
  out.train_seconds = seconds_since(start);
  for (const char* part : row.parts) out.train_seconds += before.at(part).train_seconds;
  out.answers = ask(*out.final, task, seed);
  json& report = out.answers.report;
  report["options"] = settings_json(out.choice.settings);
  report["options_tried"] = out.choice.tried;
  report["validation"] = {{"hr10", out.choice.validation.hr10}, {"ndcg10", out.choice.validation.ndcg10}};
  report["train_seconds"] = out.train_seconds;
  for (const char* part : row.parts) report["ahead_of"][part] = ahead(out.answers, before.at(part).answers, seed);
  return out;
}

int seeds_asked(const EvaluateOptions& options) {
  const auto found = options.extra.find("seeds");
  if (found == options.extra.end()) return 1;
  int seeds = 0;
  const char *begin = found->second.data(), *end = begin + found->second.size();
  if (std::from_chars(begin, end, seeds).ptr != end || seeds < 1 || seeds > 100)
    throw Error(Category::usage, "evaluate_recommend",
                fmt::format("--seeds {} is not a number from 1 to 100", found->second));
  return seeds;
}

/// Everything with one seed.
json run_once(const EvaluateOptions& options) {
  Task task = load(options);
  draw_negatives(task, options.seed);
  HeldOut held_out = hold_out(task.histories, kHeldPositions);
  if (held_out.queries.size() > kMostValidation) {
    Random random(options.seed);
    random.shuffle(held_out.queries);
    held_out.queries.resize(kMostValidation);
  }

  const auto wanted = [&](const ModelRow& row) {
    if (options.model.empty() || options.model == row.name) return true;
    const auto& parts = recommend_model(options.model).parts;
    return std::find(parts.begin(), parts.end(), std::string_view(row.name)) != parts.end();
  };
  Contestants contestants;
  json models = json::object();
  std::string headline = options.model;
  double best = -1;
  for (const ModelRow& row : recommend_models()) {
    if (!wanted(row)) continue;
    const bool dense = std::string_view(row.name).starts_with("ease");
    if (task.items > kMostDenseItems && dense) {
      spdlog::warn("{} is left out: {} items, a dense fit goes up to {}", row.name, task.items, kMostDenseItems);
      if (!options.model.empty()) EaseFitter({}, task.items);  // says why
      continue;
    }
    if (!std::all_of(row.parts.begin(), row.parts.end(), [&](const char* part) { return contestants.contains(part); }))
      continue;
    const Contestant& its = contestants[row.name] = run_model(row, contestants, task, held_out, options.seed);
    models[row.name] = its.answers.report;
    if (options.model.empty() && its.choice.validation.ndcg10 > best) {
      best = its.choice.validation.ndcg10;
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

/// {name: {mean, se, values}} of what a model's reports say with several seeds.
json over_seeds(const std::vector<json>& reports) {
  json out = json::object();
  for (const char* name : {"hr10_full", "ndcg10_full", "hr10_99neg", "ndcg10_99neg"}) {
    std::vector<double> values;
    for (const json& report : reports) values.push_back(report.at(name).get<double>());
    const auto n = static_cast<double>(values.size());
    double mean = 0, square = 0;
    for (const double value : values) mean += value / n;
    for (const double value : values) square += (value - mean) * (value - mean);
    out[name] = {{"mean", mean}, {"se", std::sqrt(square / (n - 1) / n)}, {"values", values}};
  }
  return out;
}

}  // namespace

json evaluate_recommend(const EvaluateOptions& options) {
  if (!options.model.empty()) recommend_model(options.model);
  const int seeds = seeds_asked(options);
  json report = run_once(options);
  if (seeds == 1) return report;
  EvaluateOptions others = options;
  others.model = report.at("model").at("name").get<std::string>();  // the headline of the first
  std::map<std::string, std::vector<json>> by_model;
  const auto keep = [&](const json& of) {
    for (const auto& [name, its] : of.at("models").items()) by_model[name].push_back(its);
  };
  keep(report);
  for (int k = 1; k < seeds; ++k) {
    others.seed = options.seed + static_cast<std::uint64_t>(k);
    keep(run_once(others));
  }
  report["seeds"] = {{"n", seeds}, {"first", options.seed}};
  for (const auto& [name, reports] : by_model)
    if (reports.size() == static_cast<std::size_t>(seeds)) report["seeds"][name] = over_seeds(reports);
  return report;
}

}  // namespace euterpe
