#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "evaluate/control_measures.hpp"
#include "evaluate/listening_log.hpp"
#include "evaluate/task.hpp"
#include "recommend/ranking.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

constexpr std::size_t kNamed = 3;      // listens that a reason names
constexpr std::size_t kFewest = 8;     // listens: of fewer, three named ones are nearly all
constexpr std::size_t kDefault = 300;  // listeners
constexpr int kRandomDraws = 5;        // of as many others, for each track
constexpr const char* kModels[] = {"ease", "sasrec"};

History without(std::span<const int> history, std::span<const std::size_t> places) {
  History out;
  for (std::size_t i = 0; i < history.size(); ++i)
    if (std::find(places.begin(), places.end(), i) == places.end()) out.push_back(history[i]);
  return out;
}

/// Of one recommended track: what its score loses without what was named, without as much else, and how well the order
/// of the reasons is that of leaving out one listen after the other.
struct Loss {
  double named = 0, random = 0, agreement = 0;
};

Loss loss_of(const ItemModel& model, const History& history, int items, Random& random) {
  std::vector<float> scores(static_cast<std::size_t>(items));
  model.score(history, scores);
  std::vector<bool> heard(scores.size());
  for (const int item : history) heard[static_cast<std::size_t>(item)] = true;
  const int track = best_items(scores, heard, 1).at(0);
  const float whole = scores[static_cast<std::size_t>(track)];
  const auto lost = [&](std::span<const std::size_t> places) {
    model.score(without(history, places), scores);
    return static_cast<double>(whole - scores[static_cast<std::size_t>(track)]);
  };
  const std::vector<float> reasons = model.reasons(history, track, items);
  std::vector<std::size_t> order(history.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return reasons[a] > reasons[b]; });
  Loss out;
  out.named = lost(std::span(order).first(kNamed));
  for (int draw = 0; draw < kRandomDraws; ++draw) {
    random.shuffle(order);
    out.random += lost(std::span(order).first(kNamed)) / kRandomDraws;
  }
  std::vector<double> said(reasons.begin(), reasons.end()), left_out;
  for (std::size_t i = 0; i < history.size(); ++i) left_out.push_back(lost(std::span(&i, 1)));
  out.agreement = spearman(said, left_out);
  return out;
}

}  // namespace

json evaluate_reasons(const EvaluateOptions& options) {
  const ListeningLog log = read_listening_log(options.data);
  std::vector<const History*> asked;
  for (const History& history : log.histories)
    if (history.size() >= kFewest) asked.push_back(&history);
  if (asked.empty())
    throw Error(Category::bad_input, "evaluate reasons",
                fmt::format("{}: no listener has {} listens", options.data.string(), kFewest));
  Random choosing(options.seed);
  choosing.shuffle(asked);
  asked.resize(std::min(asked.size(), options.limit > 0 ? static_cast<std::size_t>(options.limit) : kDefault));

  json report{{"n", asked.size()},
              {"named", kNamed},
              {"model", {{"name", options.model.empty() ? "ease" : options.model}, {"hash", nullptr}}}};
  for (const char* name : kModels) {
    if (!options.model.empty() && options.model != name) continue;
    const ModelRow& row = recommend_model(name);
    const auto model = row.make();
    Settings settings;
    for (const auto& [key, values] : row.grid) settings[key] = values.front();
    model->configure(settings);
    model->seed(options.seed);
    model->fit(log.histories, log.items);
    std::vector<double> named, random, agreement;
    Progress progress(std::string("reasons of ") + name, asked.size(), "listeners");
    for (std::size_t i = 0; i < asked.size(); ++i) {
      check_interrupt();
      Random drawing = Random::stream(options.seed, i);
      const Loss loss = loss_of(*model, *asked[i], log.items, drawing);
      named.push_back(loss.named);
      random.push_back(loss.random);
      agreement.push_back(loss.agreement);
      progress.advance();
    }
    json& its = report["models"][name];
    const auto put = [&](const char* key, const std::vector<double>& values) {
      const Estimate estimate = bootstrap_mean(values, options.seed);
      its[key] = estimate.mean;
      its[std::string(key) + "_ci"] = {estimate.low, estimate.high};
    };
    put("drop_named", named);
    put("drop_random", random);
    put("agreement_with_leaving_out", agreement);
    its["options"] = settings;
    its["times_random"] = its["drop_random"].get<double>() > 0
                              ? json(its["drop_named"].get<double>() / its["drop_random"].get<double>())
                              : json(nullptr);
  }
  if (!report.contains("models"))
    throw Error(Category::usage, "evaluate reasons", "no reasons of '" + options.model + "' are measured",
                "there are: ease, sasrec");
  const json first = report["models"].contains("ease") ? report["models"]["ease"] : report["models"].front();
  report["drop_named"] = first["drop_named"];
  report["drop_random"] = first["drop_random"];
  return report;
}

}  // namespace euterpe
