#include <algorithm>
#include <cmath>
#include <set>

#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "evaluate/listening_log.hpp"
#include "evaluate/simulated_responses.hpp"
#include "evaluate/task.hpp"
#include "recommend/affinity.hpp"
#include "recommend/ease.hpp"
#include "recommend/exposure.hpp"
#include "recommend/ranking.hpp"
#include "recommend/reach.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

constexpr int kRuns = 200;
constexpr int kItems = 400;                    // the most heard, in which tracks are promoted
constexpr std::size_t kImpressions = 100;      // of each promotion
constexpr std::size_t kPastTracks = 60;        // promoted earlier, from which the probability of listening is learned
constexpr std::size_t kPastImpressions = 200;  // of each of them: half to the best, half to anybody
constexpr std::size_t kListLength = 10;
constexpr std::size_t kHeldPositions = 3;  // of each listener in the back-test

/// Every listener's affinity to one track, and who has not heard it, best first.
struct Ranked {
  std::vector<double> affinities;  ///< [listeners]
  std::vector<std::size_t> audience;
};

class Listeners {
 public:
  Listeners(const std::vector<History>& histories, int items) : weights_(EaseFitter(histories, items).fit_once({})) {
    for (const History& history : histories) {
      weighed_.push_back(weigh(history, EaseSettings{}.recency));
      heard_.emplace_back(history.begin(), history.end());
    }
  }

  Ranked rank(int item) const {
    const TrackWeights track = column_of(weights_.view(), item);
    Ranked result;
    for (std::size_t u = 0; u < weighed_.size(); ++u) {
      result.affinities.push_back(affinity(weighed_[u], track));
      if (!heard_[u].contains(item)) result.audience.push_back(u);
    }
    std::stable_sort(result.audience.begin(), result.audience.end(),
                     [&](std::size_t a, std::size_t b) { return result.affinities[a] > result.affinities[b]; });
    return result;
  }

  /// What the recommender shows a listener.
  TrackList list(std::size_t user) const {
    std::vector<float> scores(static_cast<std::size_t>(weights_.items), 0.f);
    weights_.view().add_scores(weighed_[user], scores);
    std::vector<bool> heard(scores.size(), false);
    for (const int item : heard_[user]) heard[static_cast<std::size_t>(item)] = true;
    TrackList names;
    for (const int item : best_items(scores, heard, kListLength)) names.push_back(std::to_string(item));
    return names;
  }

 private:
  ItemWeights weights_;
  std::vector<std::vector<WeighedItem>> weighed_;
  std::vector<std::set<int>> heard_;
};

std::vector<double> affinities_of(const Ranked& ranked) {
  std::vector<double> shown;
  for (const std::size_t u : ranked.audience) shown.push_back(ranked.affinities[u]);
  return shown;
}

/// Predictions beside what came.
struct Predictions {
  std::vector<double> expected, came, covered, widths;

  void add(const Reach& reach, double count) {
    expected.push_back(reach.expected);
    came.push_back(count);
    covered.push_back(reach.low <= count && count <= reach.high ? 1 : 0);
    widths.push_back(reach.high - reach.low);
  }
  static double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
  json report() const {
    const double covers = mean(covered);
    return {{"reach", mean(expected)},
            {"reach_truth", mean(came)},
            {"reach_interval_covers", covers},
            {"reach_interval_covers_se", std::sqrt(covers * (1 - covers) / static_cast<double>(covered.size()))},
            {"reach_interval_width", mean(widths)}};
  }
};

struct Promotion {
  std::size_t track = 0;           ///< place among the kept items
  std::vector<std::size_t> shown;  ///< listeners
};

/// One promotion after earlier ones whose outcomes are known. `truth` draws outcomes, and nothing else sees it.
Promotion promote_once(const SimulatedResponses& truth, const std::vector<Ranked>& ranked, Random& random,
                       Predictions& predictions) {
  std::vector<std::size_t> tracks(ranked.size());
  for (std::size_t i = 0; i < tracks.size(); ++i) tracks[i] = i;
  random.shuffle(tracks);
  const auto listens = [&](std::size_t user, std::size_t item) {
    return random.uniform() < static_cast<double>(truth.at(user, item));
  };
  const std::size_t promoted = tracks.back();
  tracks.pop_back();
  tracks.resize(std::min(tracks.size(), kPastTracks));
  std::vector<Response> past;
  for (const std::size_t track : tracks) {
    std::vector<std::size_t> audience = ranked[track].audience;
    const std::size_t best = std::min(audience.size(), kPastImpressions / 2);
    std::vector<std::size_t> others(audience.begin() + static_cast<std::ptrdiff_t>(best), audience.end());
    random.shuffle(others);
    audience.resize(best);
    others.resize(std::min(others.size(), kPastImpressions - best));
    audience.insert(audience.end(), others.begin(), others.end());
    for (const std::size_t user : audience)
      past.push_back({static_cast<int>(track), ranked[track].affinities[user], listens(user, track)});
  }
  const ResponseModel model(std::move(past), random.next());
  Ranked own = ranked[promoted];
  own.audience.resize(std::min(own.audience.size(), kImpressions));
  double count = 0;
  for (const std::size_t user : own.audience) count += listens(user, promoted);
  predictions.add(model.reach(affinities_of(own)), count);
  return {promoted, std::move(own.audience)};
}

/// The same question to the real log: each listener's latest items are held out, the probability of listening is
/// learned on every other track, and the rest of the tracks are predicted. Nothing is simulated here, and nothing was
/// shown.
json back_test(const ListeningLog& log, const std::vector<int>& items, std::uint64_t seed) {
  const HeldOut held_out = hold_out(log.histories, kHeldPositions);
  const Listeners listeners(held_out.fit, log.items);
  std::vector<std::set<int>> later(log.histories.size());
  for (std::size_t u = 0; u < later.size(); ++u)
    later[u].insert(log.histories[u].begin() + static_cast<std::ptrdiff_t>(held_out.fit[u].size()),
                    log.histories[u].end());
  std::vector<Response> known;
  std::vector<std::pair<std::vector<double>, double>> asked;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Ranked ranked = listeners.rank(items[i]);
    if (i % 2 == 0) {
      for (const std::size_t u : ranked.audience)
        known.push_back({items[i], ranked.affinities[u], later[u].contains(items[i])});
      continue;
    }
    ranked.audience.resize(std::min(ranked.audience.size(), kImpressions));
    double count = 0;
    for (const std::size_t u : ranked.audience) count += later[u].contains(items[i]);
    asked.emplace_back(affinities_of(ranked), count);
  }
  const ResponseModel model(std::move(known), seed);
  Predictions predictions;
  for (const auto& [affinities, count] : asked) predictions.add(model.reach(affinities), count);
  json report = predictions.report();
  report["tracks"] = asked.size();
  report["positions"] = kHeldPositions;
  return report;
}

}  // namespace

json evaluate_promote(const EvaluateOptions& options) {
  const ListeningLog log = read_listening_log(options.data);
  ResponseSimulation simulation;
  simulation.items = kItems;
  simulation.seed = options.seed;
  const SimulatedResponses truth = simulate_responses(log.histories, log.items, simulation);
  const Listeners listeners(log.histories, log.items);
  std::vector<Ranked> ranked;
  for (const int item : truth.items) ranked.push_back(listeners.rank(item));
  std::vector<TrackList> lists;
  for (std::size_t u = 0; u < truth.users; ++u) lists.push_back(listeners.list(u));

  const int runs = options.limit > 0 ? options.limit : kRuns;
  Predictions predictions;
  double worst = 0, gained = 0;
  Progress progress("simulated promotions", static_cast<std::uint64_t>(runs), "runs");
  for (int run = 0; run < runs; ++run) {
    check_interrupt();
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(run) + 1);
    const Promotion promotion = promote_once(truth, ranked, random, predictions);
    const std::string promoted = std::to_string(truth.items[promotion.track]);
    std::vector<TrackList> before;
    for (const std::size_t user : promotion.shown) before.push_back(lists[user]);
    const auto ledger = exposure_ledger(before, promoted, 0);
    worst = std::max(worst, std::abs(ledger_sum(ledger)));
    for (const ExposureChange& row : ledger)
      if (row.name == promoted) gained += row.change() / runs;
    progress.advance();
  }
  json report = predictions.report();
  report["split"] = "simulated";
  report["simulated"] = true;
  report["note"] =
      "SIMULATED impressions: listeners and tracks of the log, listens drawn from a made-up response model that the "
      "estimator does not see; back_test is of the log itself";
  report["runs"] = runs;
  report["impressions"] = kImpressions;
  report["users"] = truth.users;
  report["items"] = truth.items.size();
  report["ledger_sum"] = worst;
  report["exposure_gained"] = gained;
  report["back_test"] = back_test(log, truth.items, options.seed);
  return report;
}

}  // namespace euterpe
