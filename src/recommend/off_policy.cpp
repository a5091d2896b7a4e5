#include "recommend/off_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // 97.5th percentile of the standard normal
constexpr double kUncovered = 3;                 // standard errors

void check(std::span<const LoggedReward> rows, const OffPolicyOptions& options) {
  EUTERPE_ASSERT(options.clip >= 0);
  if (rows.size() < 2)
    throw Error(Category::bad_input, "off_policy",
                fmt::format("{} impressions: an estimate with an interval needs two or more", rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LoggedReward& row = rows[i];
    const auto refuse = [&](const std::string& what, const char* hint) {
      throw Error(Category::bad_input, "off_policy", fmt::format("row {}: {}", i + 1, what), hint);
    };
    if (!(row.propensity > 0) || row.propensity > 1)  // a NaN too
      refuse(fmt::format("propensity {} is not above 0 and at most 1", row.propensity),
             "the log must say with which probability each item was shown; what was shown had one above 0");
    if (!(row.target >= 0) || row.target > 1)
      refuse(fmt::format("target probability {} is not between 0 and 1", row.target),
             "it is the probability of the item shown under the policy that is judged");
    if (!std::isfinite(row.reward) || !std::isfinite(row.predicted) || !std::isfinite(row.expected))
      refuse("the reward or a prediction is not finite", "");
  }
}

double weight(const LoggedReward& row, const OffPolicyOptions& options) {
  const double w = row.target / row.propensity;
  return options.clip > 0 ? std::min(w, options.clip) : w;
}

OffPolicyEstimate around(double value, double se) {
  return {value, se, value - kNormal95 * se, value + kNormal95 * se};
}

/// Mean of term(row) and its standard error from the sample's variance.
template <class Term>
OffPolicyEstimate mean_of(std::span<const LoggedReward> rows, const Term& term) {
  const auto n = static_cast<double>(rows.size());
  double mean = 0, squares = 0;
  for (const LoggedReward& row : rows) mean += term(row) / n;
  for (const LoggedReward& row : rows) squares += std::pow(term(row) - mean, 2);
  return around(mean, std::sqrt(squares / (n - 1) / n));
}

}  // namespace

OffPolicyEstimate inverse_propensity(std::span<const LoggedReward> rows, const OffPolicyOptions& options) {
  check(rows, options);
  return mean_of(rows, [&](const LoggedReward& row) { return weight(row, options) * row.reward; });
}

OffPolicyEstimate self_normalized(std::span<const LoggedReward> rows, const OffPolicyOptions& options) {
  check(rows, options);
  double weights = 0, rewards = 0, squares = 0;
  for (const LoggedReward& row : rows) {
    weights += weight(row, options);
    rewards += weight(row, options) * row.reward;
  }
  if (weights == 0)
    throw Error(Category::bad_input, "off_policy",
                "the target policy gives every item of the log the probability 0: the log says nothing about it",
                "a log with some exploration covers more policies");
  const double value = rewards / weights;
  for (const LoggedReward& row : rows) squares += std::pow(weight(row, options) * (row.reward - value), 2);
  const auto n = static_cast<double>(rows.size());
  return around(value, std::sqrt(squares * n / (n - 1)) / weights);
}

OffPolicyEstimate doubly_robust(std::span<const LoggedReward> rows, const OffPolicyOptions& options) {
  check(rows, options);
  return mean_of(rows, [&](const LoggedReward& row) {
    return row.expected + weight(row, options) * (row.reward - row.predicted);
  });
}

const std::vector<OffPolicyEstimator>& off_policy_estimators() {
  static const std::vector<OffPolicyEstimator> table{
      {"ips", "inverse propensity scoring", inverse_propensity, false},
      {"snips", "self-normalized inverse propensity scoring", self_normalized, false},
      {"doubly_robust", "reward model corrected by weighted residuals", doubly_robust, true},
  };
  return table;
}

OffPolicyDiagnosis diagnose(std::span<const LoggedReward> rows, const OffPolicyOptions& options) {
  check(rows, options);
  OffPolicyDiagnosis result;
  result.rows = rows.size();
  double sum = 0, squares = 0;
  for (const LoggedReward& row : rows) {
    const double whole = weight(row, {}), used = weight(row, options);
    result.largest_weight = std::max(result.largest_weight, whole);
    result.clipped += used < whole;
    sum += used;
    squares += used * used;
  }
  if (squares > 0) result.effective_sample_size = sum * sum / squares;
  const OffPolicyEstimate mean = mean_of(rows, [](const LoggedReward& row) { return weight(row, {}); });
  result.mean_weight = mean.value;
  result.mean_weight_se = mean.se;
  result.uncovered = mean.value + kUncovered * mean.se < 1;
  return result;
}

double unsupported_mass(std::span<const double> target, std::span<const double> logging) {
  EUTERPE_ASSERT(target.size() == logging.size());
  double mass = 0;
  for (std::size_t a = 0; a < target.size(); ++a)
    if (logging[a] == 0) mass += target[a];
  return mass;
}

}  // namespace euterpe
