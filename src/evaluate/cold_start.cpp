#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "evaluate/listening_log.hpp"
#include "evaluate/task.hpp"
#include "recommend/ranking.hpp"
#include "train/sasrec.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

constexpr double kColdShare = 0.1;  // of the items, and as many more to choose the number of epochs by
constexpr std::int64_t kMostEpochs = 100, kEpochsApart = 10;
constexpr std::size_t kTop = 10;

/// Tags of the items as numbers: log(1 + times) · log(items ÷ items with the tag), to length 1. [items × tags]
ItemContent tag_content(const json& tags_of, const std::vector<int>& ids, const std::string& file) {
  std::map<std::int64_t, int> listed;
  std::vector<std::map<std::int64_t, int>> of_item;
  for (const int id : ids) {
    of_item.emplace_back();
    const auto row = tags_of.find(std::to_string(id));
    if (row == tags_of.end()) continue;
    if (!row->is_array())
      throw Error(Category::bad_input, "evaluate cold-start", fmt::format("{}: the tags of {} are no list", file, id));
    for (const auto& tag : *row) {
      if (!tag.is_number_integer())
        throw Error(Category::bad_input, "evaluate cold-start", fmt::format("{}: a tag of {} is no number", file, id));
      ++of_item.back()[tag.get<std::int64_t>()];
    }
    for (const auto& [tag, times] : of_item.back()) ++listed[tag];
  }
  std::map<std::int64_t, std::size_t> column;
  for (const auto& [tag, items] : listed) column.emplace(tag, column.size());
  ItemContent out;
  out.width = static_cast<int>(column.size());
  out.values.resize(ids.size() * column.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    float* row = out.values.data() + i * column.size();
    double square = 0;
    for (const auto& [tag, times] : of_item[i]) {
      const double value = std::log1p(times) * std::log(static_cast<double>(ids.size()) / listed.at(tag));
      row[column.at(tag)] = static_cast<float>(value);
      square += value * value;
    }
    for (std::size_t k = 0; k < column.size() && square > 0; ++k) row[k] /= static_cast<float>(std::sqrt(square));
  }
  return out;
}

/// Items that nobody has heard yet, as far as what is learned can tell, and the listeners who have in truth.
struct ColdQuestion {
  std::vector<int> items;
  std::vector<History> before;                  ///< of each listener: warm listens, numbered among the warm
  std::vector<std::vector<std::size_t>> heard;  ///< of each: places in `items`
};

/// What is known: items of `warm` numbered anew.
struct WarmWorld {
  std::vector<int> items;   ///< in order
  std::vector<int> number;  ///< of each of all items, −1 = cold
  std::vector<History> histories;
};

WarmWorld warm_world(const ListeningLog& log, const std::set<int>& cold) {
  WarmWorld out;
  for (int item = 0; item < log.items; ++item) {
    out.number.push_back(cold.contains(item) ? -1 : static_cast<int>(out.items.size()));
    if (!cold.contains(item)) out.items.push_back(item);
  }
  for (const History& history : log.histories) {
    out.histories.emplace_back();
    for (const int item : history)
      if (const int number = out.number[static_cast<std::size_t>(item)]; number >= 0)
        out.histories.back().push_back(number);
  }
  return out;
}

ColdQuestion cold_question(const ListeningLog& log, const WarmWorld& world, std::vector<int> items) {
  ColdQuestion out;
  out.items = std::move(items);
  std::map<int, std::size_t> place;
  for (std::size_t i = 0; i < out.items.size(); ++i) place[out.items[i]] = i;
  for (std::size_t u = 0; u < log.histories.size(); ++u) {
    std::set<std::size_t> heard;
    for (const int item : log.histories[u])
      if (const auto at = place.find(item); at != place.end()) heard.insert(at->second);
    if (heard.empty() || world.histories[u].empty()) continue;
    out.before.push_back(world.histories[u]);
    out.heard.emplace_back(heard.begin(), heard.end());
  }
  return out;
}

std::vector<float> rows_of(const ItemContent& content, std::span<const int> items) {
  std::vector<float> out;
  const auto width = static_cast<std::size_t>(content.width);
  for (const int item : items)
    out.insert(out.end(), content.values.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(item) * width),
               content.values.begin() + static_cast<std::ptrdiff_t>((static_cast<std::size_t>(item) + 1) * width));
  return out;
}

/// Of each listener the share of the cold items heard that are among the ten named.
std::vector<double> recalls(const SasRec& model, const ItemContent& content, const ColdQuestion& question) {
  const std::vector<float> vectors = model.by_content(rows_of(content, question.items));
  const auto width = static_cast<std::size_t>(model.options().d_model);
  std::vector<double> out;
  constexpr std::size_t kAtOnce = 256;
  for (std::size_t first = 0; first < question.before.size(); first += kAtOnce) {
    const std::size_t last = std::min(question.before.size(), first + kAtOnce);
    std::vector<std::span<const int>> histories(question.before.begin() + static_cast<std::ptrdiff_t>(first),
                                                question.before.begin() + static_cast<std::ptrdiff_t>(last));
    const std::vector<float> users = model.encode(histories);
    for (std::size_t u = first; u < last; ++u) {
      std::vector<float> scores(question.items.size());
      for (std::size_t i = 0; i < scores.size(); ++i)
        scores[i] = std::inner_product(vectors.begin() + static_cast<std::ptrdiff_t>(i * width),
                                       vectors.begin() + static_cast<std::ptrdiff_t>((i + 1) * width),
                                       users.begin() + static_cast<std::ptrdiff_t>((u - first) * width), 0.0f);
      std::size_t found = 0;
      for (const int item : best_items(scores, std::vector<bool>(scores.size()), kTop))
        found += std::count(question.heard[u].begin(), question.heard[u].end(), static_cast<std::size_t>(item));
      out.push_back(static_cast<double>(found) / static_cast<double>(question.heard[u].size()));
    }
  }
  return out;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / std::max<double>(1, static_cast<double>(values.size()));
}

struct Outcome {
  std::vector<double> recalls;
  std::int64_t epochs = 0;
  double validation = 0;
};

/// Learns without the cold items, for as many epochs as name other left-out items best, and asks for the cold ones.
Outcome run(const ListeningLog& log, const ItemContent& content, const std::vector<int>& cold,
            const std::vector<int>& chosen_by, std::uint64_t seed) {
  const auto train = [&](const std::vector<int>& left_out, std::int64_t epochs,
                         const std::function<double(const SasRec&, const WarmWorld&)>& validate) {
    const WarmWorld world = warm_world(log, {left_out.begin(), left_out.end()});
    const TemporaryFolder folder("evaluate cold-start");
    SasRecTraining t;
    t.content = {content.width, rows_of(content, world.items), t.content.dropout};
    t.epochs = epochs;
    t.evaluate_every = validate ? kEpochsApart : 0;
    t.final_rate = 1;
    t.seed = seed + 1;
    t.run = folder / "run";
    std::function<double(const SasRec&)> judge;
    if (validate) judge = [&](const SasRec& model) { return validate(model, world); };
    SasRecReport report = train_sasrec(world.histories, static_cast<int>(world.items.size()), t, judge);
    return std::pair{std::move(report), world};
  };
  std::vector<int> both = cold;
  both.insert(both.end(), chosen_by.begin(), chosen_by.end());
  const auto chosen = train(both, kMostEpochs, [&](const SasRec& model, const WarmWorld& world) {
                        return mean(recalls(model, content, cold_question(log, world, chosen_by)));
                      }).first;
  Outcome out;
  out.epochs = chosen.best_epoch;
  out.validation = chosen.best_validation;
  const auto [report, world] = train(cold, std::max<std::int64_t>(1, out.epochs), {});
  out.recalls = recalls(SasRec(report.network, report.weights), content, cold_question(log, world, cold));
  return out;
}

}  // namespace

json evaluate_cold_start(const EvaluateOptions& options) {
  const auto path = find_listening_log(options.data);
  const auto tags_path = path.parent_path() / (path.stem().string() + "_item2attributes.json");
  if (!std::filesystem::exists(tags_path))
    throw Error(Category::not_found, "evaluate cold-start", tags_path.string() + " is not there",
                "the content of the items stands beside the log: {\"id\": [tag, …], …}");
  const json tags = json::parse(read_text(tags_path), nullptr, false);
  if (!tags.is_object())
    throw Error(Category::bad_input, "evaluate cold-start", tags_path.string() + ": no JSON object");
  const ListeningLog log = read_listening_log(path);
  if (log.ids.empty())
    throw Error(Category::bad_input, "evaluate cold-start", path.string() + ": its items have no numbers of their own",
                "a log of sequences is asked for: user item item …");
  const ItemContent content = tag_content(tags, log.ids, tags_path.string());

  std::vector<int> order(static_cast<std::size_t>(log.items));
  std::iota(order.begin(), order.end(), 0);
  Random random(options.seed);
  random.shuffle(order);
  const auto cold_count = static_cast<std::size_t>(kColdShare * log.items);
  const std::vector<int> cold(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(cold_count)),
      others(order.begin() + static_cast<std::ptrdiff_t>(cold_count),
             order.begin() + static_cast<std::ptrdiff_t>(2 * cold_count));
  const Outcome real = run(log, content, cold, others, options.seed);

  // Every item with the content of another: what then is left of the gain did not come from content.
  std::vector<int> whose(order.size());
  std::iota(whose.begin(), whose.end(), 0);
  random.shuffle(whose);
  const Outcome shuffled =
      run(log, {content.width, rows_of(content, whose), content.dropout}, cold, others, options.seed);

  json report{{"items", log.items},
              {"cold", cold.size()},
              {"users", real.recalls.size()},
              {"content", {{"file", tags_path.filename().string()}, {"width", content.width}}},
              {"random", std::min(1.0, static_cast<double>(kTop) / static_cast<double>(cold.size()))},
              {"epochs", real.epochs},
              {"validation_recall10", real.validation},
              {"model", {{"name", "sasrec"}, {"hash", nullptr}}}};
  const auto put = [&](const char* key, const std::vector<double>& values) {
    const Estimate estimate = bootstrap_mean(values, options.seed);
    report[key] = estimate.mean;
    report[std::string(key) + "_ci"] = {estimate.low, estimate.high};
  };
  put("recall10", real.recalls);
  put("shuffled_content", shuffled.recalls);
  report["times_random"] = report["recall10"].get<double>() / report["random"].get<double>();
  return report;
}

}  // namespace euterpe
