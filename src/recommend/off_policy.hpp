#pragma once
/// What a recommender that was never let loose would have earned, from the log of one that was (off-policy evaluation).
#include <cstddef>
#include <span>
#include <vector>

namespace euterpe {

/// One impression: an item shown to a listener by the logging policy, and what came of it.
struct LoggedReward {
  double propensity = 0;  ///< probability with which the logging policy showed it, 0 < p ≤ 1
  double reward = 0;      ///< finite; 1 = listened, 0 = not
  double target = 0;      ///< probability of the same item for the same listener under the target policy, 0–1
  double predicted = 0;   ///< reward model's prediction q̂ for the item shown; finite
  double expected = 0;    ///< Σ_a target(a) · q̂(a) over all items of this listener; finite
};

struct OffPolicyOptions {
  double clip =
      0;  ///< importance weights above are cut to it: less variance for some bias (Bottou et al. 2013); 0 = off
};

/// Reward per impression under the target policy, with a 95 % interval value ± 1.96 · se (normal approximation).
struct OffPolicyEstimate {
  double value = 0, se = 0, low = 0, high = 0;
};

/// With weights w = target ÷ propensity (clipped if asked), over n rows, n ≥ 2. Each throws Error{bad_input} naming the
/// first row, from 1, that is no LoggedReward (a propensity of 0 or beyond 1, a target beyond 0–1, a number that is not
/// finite), and for fewer than two rows.
///
/// Inverse propensity scoring (Horvitz and Thompson 1952): mean of w·r. Unbiased where the log covers the target. The
/// standard error is the sample's.
OffPolicyEstimate inverse_propensity(std::span<const LoggedReward> rows, const OffPolicyOptions& options = {});
/// Self-normalized (Hájek; Swaminathan and Joachims 2015): V = Σ w·r ÷ Σ w; consistent, within the rewards' range. The
/// standard error is the delta method's, √(n/(n−1) · Σ w²(r − V)²) ÷ Σ w. Error{bad_input} if all weights are 0.
OffPolicyEstimate self_normalized(std::span<const LoggedReward> rows, const OffPolicyOptions& options = {});
/// Doubly robust (Dudík, Langford and Li 2011; Dudík et al. 2014, eq. 7): mean of expected + w·(r − predicted).
/// Unbiased if the propensities or the predictions are right, provided that q̂ was fitted without the row that it is
/// used on. The standard error is the sample's.
OffPolicyEstimate doubly_robust(std::span<const LoggedReward> rows, const OffPolicyOptions& options = {});

/// One row an estimator.
struct OffPolicyEstimator {
  const char* name;
  const char* summary;
  OffPolicyEstimate (*estimate)(std::span<const LoggedReward> rows, const OffPolicyOptions& options);
  bool needs_predictions;
};
const std::vector<OffPolicyEstimator>& off_policy_estimators();

/// How far the log can be trusted to speak for the target policy.
struct OffPolicyDiagnosis {
  std::size_t rows = 0, clipped = 0;  ///< clipped: weights above options.clip
  double effective_sample_size = 0;   ///< (Σ w)² ÷ Σ w² (Kish 1965), 0 … rows; weights as clipped
  double largest_weight = 0;          ///< before clipping
  /// Mean weight before clipping: 1 where the log covers the target. 1 − mean estimates the probability with which the
  /// target plays what the log never could.
  double mean_weight = 0, mean_weight_se = 0;
  bool uncovered =
      false;  ///< mean_weight lies below 1 by more than three standard errors: estimates by weights are low
};
/// Same errors as the estimators.
OffPolicyDiagnosis diagnose(std::span<const LoggedReward> rows, const OffPolicyOptions& options = {});

/// Where both policies are known for a listener: the target's probability of items that the logging policy never shows.
/// Above 0, no estimate by weights is unbiased. Both: [items], probabilities.
double unsupported_mass(std::span<const double> target, std::span<const double> logging);

}  // namespace euterpe
