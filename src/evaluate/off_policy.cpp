#include "recommend/off_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "evaluate/listening_log.hpp"
#include "evaluate/logistic.hpp"
#include "evaluate/simulated_responses.hpp"
#include "evaluate/task.hpp"
#include "recommend/impressions.hpp"
#include "recommend/models.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

constexpr int kRuns = 200;
constexpr std::size_t kImpressions = 10000;  // a run's log
constexpr double kExploration = 0.2;         // share of the logging policy that is uniform, so that it covers all items
constexpr double kPopularity = 1;            // exponent of the number of listeners in the rest of it; 0 = uniform
constexpr double kSharpness = 0.7;           // of the target policy's softmax over standardized scores; 0 = uniform
constexpr double kRidge = 1;                 // of the reward model
constexpr std::size_t kFolds = 2;            // the reward model is fitted on one half and used on the other

/// Everything that the runs share. What an estimator may see are the policies, the features and a run's log; `truth` is
/// for drawing rewards and for judging.
struct World {
  SimulatedResponses truth;
  std::vector<double> logging;  ///< the same for all listeners, [items]
  std::vector<double> target;   ///< [users × items], rows sum to 1
  std::vector<float> features;  ///< of the reward model, [users × items × columns]
  std::size_t columns = 0;
  std::size_t items() const { return truth.items.size(); }
  std::size_t pair(std::size_t user, std::size_t item) const { return user * items() + item; }
  std::span<const float> features_of(std::size_t pair) const {
    return std::span(features).subspan(pair * columns, columns);
  }
  /// Reward per impression under probabilities of items by pair.
  template <class Policy>
  double value(const Policy& policy) const {
    double sum = 0;
    for (std::size_t u = 0; u < truth.users; ++u)
      for (std::size_t i = 0; i < items(); ++i) sum += policy(u, i) * static_cast<double>(truth.at(u, i));
    return sum / static_cast<double>(truth.users);
  }
};

/// Scores of a recommender for the kept items, [users × kept]. \param changes to its first settings
std::vector<double> scores_of(const char* name, const Settings& changes, const ListeningLog& log,
                              const std::vector<int>& kept) {
  const ModelRow& row = recommend_model(name);
  Settings settings;
  for (const auto& [key, values] : row.grid) settings[key] = values.front();
  for (const auto& [key, value] : changes) settings[key] = value;
  const auto model = row.make();
  model->configure(settings);
  model->fit(log.histories, log.items);
  std::vector<double> result;
  std::vector<float> scores(static_cast<std::size_t>(log.items));
  for (const History& history : log.histories) {
    check_interrupt();
    model->score(history, scores);
    for (const int item : kept) result.push_back(static_cast<double>(scores[static_cast<std::size_t>(item)]));
  }
  return result;
}

World make_world(const ListeningLog& log, std::uint64_t seed) {
  World world;
  ResponseSimulation simulation;
  simulation.seed = seed;
  world.truth = simulate_responses(log.histories, log.items, simulation);
  const std::size_t items = world.items(), users = world.truth.users;

  const std::vector<float> listeners = count_listeners(log.histories, log.items);
  std::vector<double> popularity, length;
  for (const int item : world.truth.items)
    popularity.push_back(std::log(1 + static_cast<double>(listeners[static_cast<std::size_t>(item)])));
  for (const double p : popularity) world.logging.push_back(std::exp(kPopularity * p));
  const double sum = std::accumulate(world.logging.begin(), world.logging.end(), 0.);
  for (double& p : world.logging) p = (1 - kExploration) * p / sum + kExploration / static_cast<double>(items);

  std::vector<double> wanted = scores_of("ease", {}, log, world.truth.items);
  for (std::size_t u = 0; u < users; ++u) standardize(std::span(wanted).subspan(u * items, items));
  world.target.reserve(wanted.size());
  for (std::size_t u = 0; u < users; ++u) {
    double total = 0;
    for (std::size_t i = 0; i < items; ++i) total += std::exp(kSharpness * wanted[world.pair(u, i)]);
    for (std::size_t i = 0; i < items; ++i)
      world.target.push_back(std::exp(kSharpness * wanted[world.pair(u, i)]) / total);
  }

  const Settings whole{{"floor", 1}};
  std::vector<double> alike = scores_of("item-knn", whole, log, world.truth.items);
  std::vector<double> liked = scores_of("ease", whole, log, world.truth.items);
  for (const History& history : log.histories) length.push_back(std::log(1 + static_cast<double>(history.size())));
  standardize(popularity);
  standardize(length);
  standardize(alike);
  standardize(liked);
  // Scores have long tails, and a model that is linear in them would be sure of itself where most weight lies.
  const auto squash = [](double score) { return std::copysign(std::log1p(std::abs(score)), score); };
  for (std::size_t u = 0; u < users; ++u) {
    const History& history = log.histories[u];
    for (std::size_t i = 0; i < items; ++i) {
      const double heard = std::find(history.begin(), history.end(), world.truth.items[i]) != history.end();
      for (const double x : {1., squash(wanted[world.pair(u, i)]), squash(alike[world.pair(u, i)]),
                             squash(liked[world.pair(u, i)]), popularity[i], length[u], heard})
        world.features.push_back(static_cast<float>(x));
    }
  }
  world.columns = world.features.size() / (users * items);
  return world;
}

/// One log of the logging policy.
struct Shown {
  std::vector<std::size_t> users, items;
  std::vector<float> rewards;
};

Shown draw(const World& world, Random& random) {
  Shown shown;
  for (std::size_t n = 0; n < kImpressions; ++n) {
    shown.users.push_back(random.below(world.truth.users));
    shown.items.push_back(random.weighted(world.logging));
    shown.rewards.push_back(
        random.uniform() < static_cast<double>(world.truth.at(shown.users.back(), shown.items.back())) ? 1.f : 0.f);
  }
  return shown;
}

/// q̂ and its mean under the target policy for each row, from a model that was fitted on the other half of the log. Rows
/// count by their importance weight, for the model is asked about what the target shows (Shimodaira 2000).
void predict(const World& world, const Shown& shown, std::vector<LoggedReward>& rows) {
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<float> features, rewards;
    std::vector<double> weights;
    for (std::size_t n = 0; n < rows.size(); ++n) {
      if (n % kFolds == fold) continue;
      const auto x = world.features_of(world.pair(shown.users[n], shown.items[n]));
      features.insert(features.end(), x.begin(), x.end());
      rewards.push_back(shown.rewards[n]);
      weights.push_back(rows[n].target / rows[n].propensity);
    }
    const std::vector<double> model = fit_logistic(features, rewards, weights, world.columns, kRidge);
    std::vector<double> expected(world.truth.users, 0.);
    for (std::size_t u = 0; u < world.truth.users; ++u)
      for (std::size_t i = 0; i < world.items(); ++i)
        expected[u] += world.target[world.pair(u, i)] * predict_logistic(world.features_of(world.pair(u, i)), model);
    for (std::size_t n = fold; n < rows.size(); n += kFolds) {
      rows[n].predicted = predict_logistic(world.features_of(world.pair(shown.users[n], shown.items[n])), model);
      rows[n].expected = expected[shown.users[n]];
    }
  }
}

/// What the runs said of one estimator.
struct Judged {
  std::vector<double> errors, standard_errors;
  int covered = 0;

  json report() const {
    const auto n = static_cast<double>(errors.size());
    double bias = 0, squares = 0, spread = 0, se = 0;
    for (const double error : errors) bias += error / n;
    for (const double error : errors) squares += error * error / n;
    for (const double error : errors) spread += (error - bias) * (error - bias) / std::max(1., n - 1);
    for (const double own : standard_errors) se += own / n;
    return {{"bias", bias},
            {"bias_se", std::sqrt(spread / n)},
            {"rmse", std::sqrt(squares)},
            {"se", se},
            {"interval_covers", covered / n}};
  }
};

json simulate(const EvaluateOptions& options, const OffPolicyOptions& off_policy) {
  const World world = make_world(read_listening_log(options.data), options.seed);
  const auto target = [&](std::size_t u, std::size_t i) { return world.target[world.pair(u, i)]; };
  const double truth = world.value(target);
  const int runs = options.limit > 0 ? options.limit : kRuns;

  std::map<std::string, Judged> judged;
  double model_alone = 0, pair_error = 0, effective = 0, largest = 0;
  Progress progress("simulated logs", static_cast<std::uint64_t>(runs), "runs");
  for (int run = 0; run < runs; ++run) {
    check_interrupt();
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(run) + 1);
    const Shown shown = draw(world, random);
    std::vector<LoggedReward> rows;
    for (std::size_t n = 0; n < kImpressions; ++n)
      rows.push_back({world.logging[shown.items[n]], static_cast<double>(shown.rewards[n]),
                      target(shown.users[n], shown.items[n])});
    predict(world, shown, rows);
    for (const OffPolicyEstimator& estimator : off_policy_estimators()) {
      const OffPolicyEstimate estimate = estimator.estimate(rows, off_policy);
      Judged& own = judged[estimator.name];
      own.errors.push_back(estimate.value - truth);
      own.standard_errors.push_back(estimate.se);
      own.covered += estimate.low <= truth && truth <= estimate.high;
    }
    for (std::size_t n = 0; n < kImpressions; ++n) {
      model_alone += (rows[n].expected - truth) / static_cast<double>(kImpressions);
      const double known = static_cast<double>(world.truth.at(shown.users[n], shown.items[n]));
      pair_error += std::pow(rows[n].predicted - known, 2) / static_cast<double>(kImpressions);
    }
    const OffPolicyDiagnosis diagnosis = diagnose(rows, off_policy);
    effective += diagnosis.effective_sample_size;
    largest = std::max(largest, diagnosis.largest_weight);
    progress.advance();
  }

  double unsupported = 0;
  for (std::size_t u = 0; u < world.truth.users; ++u)
    unsupported += unsupported_mass(std::span(world.target).subspan(u * world.items(), world.items()), world.logging) /
                   static_cast<double>(world.truth.users);
  json report{
      {"split", "simulated"},
      {"simulated", true},
      {"note",
       "SIMULATED impressions: listeners and items of the log, rewards drawn from a made-up response model that "
       "no estimator sees"},
      {"runs", runs},
      {"impressions", kImpressions},
      {"users", world.truth.users},
      {"items", world.items()},
      {"truth", truth},
      {"logging_truth", world.value([&](std::size_t, std::size_t i) { return world.logging[i]; })},
      {"reward_model_alone", {{"bias", model_alone / runs}, {"pair_rmse", std::sqrt(pair_error / runs)}}},
      {"effective_sample_size", effective / runs},
      {"largest_weight", largest},
      {"unsupported_mass", unsupported}};
  for (const auto& [name, own] : judged) report["estimators"][name] = own.report();
  return report;
}

/// A real log that brings the probabilities of the policy to be judged: estimates, and no truth to hold them against.
json estimate_file(const std::filesystem::path& path, const OffPolicyOptions& options) {
  const std::vector<Impression> impressions = read_impressions(path);
  const auto all = [&](auto field) {
    return std::all_of(impressions.begin(), impressions.end(),
                       [&](const Impression& i) { return (i.*field).has_value(); });
  };
  if (!all(&Impression::target))
    throw Error(Category::bad_input, "evaluate_off_policy", path.string() + ": not every row has a `target`",
                "the column target holds the probability of the item under the policy that is judged");
  const bool predictions = all(&Impression::predicted) && all(&Impression::expected);
  std::vector<LoggedReward> rows;
  for (const Impression& i : impressions)
    rows.push_back({i.propensity, i.reward, *i.target, i.predicted.value_or(0), i.expected.value_or(0)});
  const OffPolicyDiagnosis diagnosis = diagnose(rows, options);
  json report{{"simulated", false},
              {"impressions", diagnosis.rows},
              {"clipped", diagnosis.clipped},
              {"effective_sample_size", diagnosis.effective_sample_size},
              {"largest_weight", diagnosis.largest_weight},
              {"mean_weight", diagnosis.mean_weight},
              {"mean_weight_se", diagnosis.mean_weight_se},
              {"uncovered", diagnosis.uncovered}};
  for (const OffPolicyEstimator& estimator : off_policy_estimators()) {
    if (estimator.needs_predictions && !predictions) continue;
    const OffPolicyEstimate estimate = estimator.estimate(rows, options);
    report["estimators"][estimator.name] = {
        {"value", estimate.value}, {"se", estimate.se}, {"value_ci", {estimate.low, estimate.high}}};
  }
  return report;
}

OffPolicyOptions off_policy_options(const EvaluateOptions& options) {
  OffPolicyOptions result;
  const auto given = options.extra.find("clip");
  if (given == options.extra.end()) return result;
  const std::string& text = given->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.clip);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(result.clip) || result.clip < 0)
    throw Error(Category::usage, "evaluate_off_policy", "--clip '" + text + "' is no weight",
                "a number above 0, or 0 for no clipping");
  return result;
}

}  // namespace

json evaluate_off_policy(const EvaluateOptions& options) {
  const OffPolicyOptions off_policy = off_policy_options(options);
  json report =
      options.data.extension() == ".csv" ? estimate_file(options.data, off_policy) : simulate(options, off_policy);
  if (off_policy.clip > 0) report["clip"] = off_policy.clip;
  return report;
}

}  // namespace euterpe
