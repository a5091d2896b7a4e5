#include "recommend/off_policy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Weights 1/2, 2 and 1.
std::vector<LoggedReward> three_rows() {
  return {{0.5, 1, 0.25, 0.5, 0.4}, {0.25, 0, 0.5, 0.5, 0.4}, {0.5, 1, 0.5, 0.5, 0.4}};
}

TEST(OffPolicy, EstimatesAreWhatTheirFormulasSay) {
  const auto rows = three_rows();
  const OffPolicyEstimate ips = inverse_propensity(rows);
  EXPECT_NEAR(ips.value, 0.5, 1e-12);                  // (1/2 + 0 + 1) / 3
  EXPECT_NEAR(ips.se, std::sqrt(0.5 / 2 / 3), 1e-12);  // deviations 0, −1/2, 1/2
  EXPECT_NEAR(ips.high, 0.5 + 1.959964 * std::sqrt(0.5 / 6), 1e-6);
  EXPECT_NEAR(ips.low + ips.high, 2 * ips.value, 1e-12);
  const OffPolicyEstimate snips = self_normalized(rows);
  EXPECT_NEAR(snips.value, 3 / 7., 1e-12);  // 3/2 ÷ 7/2
  // Σ w²(r − V)² = (16/4 + 4·9 + 16) / 49 = 56/49; · 3/2, root, ÷ 7/2
  EXPECT_NEAR(snips.se, std::sqrt(56 / 49. * 1.5) / 3.5, 1e-12);
  EXPECT_NEAR(doubly_robust(rows).value, (0.65 - 0.6 + 0.9) / 3, 1e-12);
}

TEST(OffPolicy, ClippingCutsTheWeightsAndIsCounted) {
  const auto rows = three_rows();
  EXPECT_NEAR(self_normalized(rows, {.clip = 1}).value, 1.5 / 2.5, 1e-12);
  EXPECT_NEAR(doubly_robust(rows, {.clip = 1}).value, (0.65 - 0.1 + 0.9) / 3, 1e-12);
  const OffPolicyDiagnosis off = diagnose(rows), on = diagnose(rows, {.clip = 1});
  EXPECT_EQ(off.clipped, 0u);
  EXPECT_EQ(on.clipped, 1u);
  EXPECT_NEAR(off.effective_sample_size, 3.5 * 3.5 / 5.25, 1e-12);
  EXPECT_NEAR(on.effective_sample_size, 2.5 * 2.5 / 2.25, 1e-12);
  EXPECT_EQ(on.largest_weight, 2);
  EXPECT_NEAR(on.mean_weight, 3.5 / 3, 1e-12) << "clipping would hide what the log does not cover";
}

/// Two listeners, three items, everything known: all logs of two impressions can be listed with their probabilities.
struct Enumerated {
  static constexpr std::size_t kUsers = 2, kItems = 3;
  using Table = std::array<std::array<double, kItems>, kUsers>;
  Table logging{{{0.5, 0.3, 0.2}, {0.1, 0.1, 0.8}}};
  Table target{{{0.1, 0.2, 0.7}, {0.6, 0.3, 0.1}}};
  Table truth{{{0.9, 0.2, 0.5}, {0.3, 0.8, 0.1}}};
  Table model{{{0.4, 0.4, 0.1}, {0.9, 0.2, 0.3}}};  // quite wrong

  double value() const {
    double sum = 0;
    for (std::size_t u = 0; u < kUsers; ++u)
      for (std::size_t a = 0; a < kItems; ++a) sum += target[u][a] * truth[u][a] / kUsers;
    return sum;
  }

  /// Expectation of the estimate over all logs of two rows. \param believed the propensities that the log states
  double expectation(OffPolicyEstimate (*estimate)(std::span<const LoggedReward>, const OffPolicyOptions&),
                     const Table& believed) const {
    std::vector<std::pair<LoggedReward, double>> outcomes;
    for (std::size_t u = 0; u < kUsers; ++u) {
      double expected = 0;
      for (std::size_t a = 0; a < kItems; ++a) expected += target[u][a] * model[u][a];
      for (std::size_t a = 0; a < kItems; ++a)
        for (const double reward : {0., 1.})
          outcomes.push_back({{believed[u][a], reward, target[u][a], model[u][a], expected},
                              logging[u][a] / kUsers * (reward > 0 ? truth[u][a] : 1 - truth[u][a])});
    }
    double sum = 0;
    for (const auto& [one, p] : outcomes)
      for (const auto& [two, q] : outcomes) sum += p * q * estimate(std::array{one, two}, {}).value;
    return sum;
  }
};

TEST(OffPolicy, WeightsAndDoublyRobustAreUnbiasedOverAllLogsOfASmallProblem) {
  const Enumerated problem;
  EXPECT_NEAR(problem.expectation(inverse_propensity, problem.logging), problem.value(), 1e-12);
  EXPECT_NEAR(problem.expectation(doubly_robust, problem.logging), problem.value(), 1e-12)
      << "a wrong model may cost variance, never bias";
}

TEST(OffPolicy, DoublyRobustNeedsOnlyOneOfItsTwoPartsRight) {
  Enumerated problem;
  problem.model = problem.truth;
  Enumerated::Table wrong{};
  for (auto& row : wrong) row.fill(1 / 3.);
  EXPECT_NEAR(problem.expectation(doubly_robust, wrong), problem.value(), 1e-12);
  EXPECT_GT(std::abs(problem.expectation(inverse_propensity, wrong) - problem.value()), 0.05);
}

TEST(OffPolicy, RowsThatCannotBeAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const LoggedReward& bad :
       {LoggedReward{0, 1, 0.5}, LoggedReward{-0.1, 1, 0.5}, LoggedReward{1.01, 1, 0.5}, LoggedReward{nan, 1, 0.5},
        LoggedReward{0.5, 1, 1.5}, LoggedReward{0.5, nan, 0.5}, LoggedReward{0.5, 1, 0.5, nan}}) {
    auto rows = three_rows();
    rows[1] = bad;
    for (const OffPolicyEstimator& estimator : off_policy_estimators()) {
      try {
        estimator.estimate(rows, {});
        FAIL() << estimator.name << " took propensity " << bad.propensity;
      } catch (const Error& error) {
        EXPECT_EQ(error.category(), Category::bad_input);
        EXPECT_EQ(error.detail().rfind("row 2: ", 0), 0u) << error.detail();
      }
    }
    EXPECT_THROW(diagnose(rows), Error);
  }
  EXPECT_THROW(inverse_propensity(std::vector<LoggedReward>(1, {0.5, 1, 0.5})), Error) << "no interval from one row";
  EXPECT_THROW(self_normalized(std::vector<LoggedReward>(3, {0.5, 1, 0})), Error) << "0 ÷ 0";
}

TEST(OffPolicy, ATargetThatPlaysWhatTheLogNeverCouldIsToldFromOneThatDoesNot) {
  // The target puts 0.4 on an item that is never shown: the weights of the shown ones average 0.6.
  std::vector<LoggedReward> uncovered, covered;
  for (int i = 0; i < 200; ++i) {
    uncovered.push_back({0.5, 1, i % 2 ? 0.2 : 0.4});
    covered.push_back({0.5, 1, i % 2 ? 0.3 : 0.7});
  }
  EXPECT_TRUE(diagnose(uncovered).uncovered);
  EXPECT_NEAR(diagnose(uncovered).mean_weight, 0.6, 1e-12);
  EXPECT_FALSE(diagnose(covered).uncovered);
  EXPECT_NEAR(unsupported_mass(std::vector{0.2, 0.4, 0.4}, std::vector{0.5, 0.5, 0.}), 0.4, 1e-12);
}

}  // namespace
}  // namespace euterpe
