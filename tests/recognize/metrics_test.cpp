#include "recognize/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"

namespace euterpe {
namespace {

/// n answers of two classes whose confidence is drawn in 0.5 … 1 and that are right with probability confidence^power.
std::vector<Prediction> answers(int n, double power) {
  Random random(9);
  std::vector<Prediction> predictions;
  for (int i = 0; i < n; ++i) {
    const double confidence = random.uniform(0.5, 1);
    predictions.push_back({{confidence, 1 - confidence}, random.uniform() < std::pow(confidence, power) ? 0 : 1});
  }
  return predictions;
}

TEST(Metrics, CountByHand) {
  const std::vector<Prediction> predictions{{{0.9, 0.1}, 0}, {{0.8, 0.2}, 0}, {{0.6, 0.4}, 0}, {{0.7, 0.3}, 1}};
  EXPECT_NEAR(accuracy(predictions), 0.75, 1e-12);
  EXPECT_NEAR(macro_recall(predictions), 0.5, 1e-12);  // class 0: 3 of 3, class 1: 0 of 1
  // Fewer answers than bins: each stands alone in one.
  EXPECT_NEAR(expected_calibration_error(predictions), (0.1 + 0.2 + 0.4 + 0.7) / 4, 1e-12);
  const auto report = classification_report(predictions, {"a", "b"}, 1);
  EXPECT_EQ(report["confusion"]["b"]["a"], 1);
  EXPECT_EQ(report["confusion"]["a"]["a"], 3);
  EXPECT_EQ(report["n"], 4);
}

TEST(Metrics, ACalibratedModelLiesInThePerfectInterval) {
  const auto honest = answers(600, 1);
  const auto [low, high] = perfect_calibration_interval(honest, 1);
  EXPECT_GT(low, 0);
  EXPECT_GE(expected_calibration_error(honest), low);
  EXPECT_LE(expected_calibration_error(honest), high);
}

TEST(Metrics, AModelThatIsTooSureLiesAboveThePerfectInterval) {
  const auto boastful = answers(600, 2);
  EXPECT_GT(expected_calibration_error(boastful), perfect_calibration_interval(boastful, 1).second);
}

TEST(Metrics, AreZeroForNothing) {
  EXPECT_EQ(accuracy({}), 0);
  EXPECT_EQ(macro_recall({}), 0);
  EXPECT_EQ(expected_calibration_error({}), 0);
}

TEST(StandardError, IsThatOfTheMean) {
  EXPECT_NEAR(standard_error(std::vector<double>{1, 2, 3}), std::sqrt(1.0 / 3), 1e-12);
  EXPECT_EQ(standard_error(std::vector<double>{5}), 0);
  EXPECT_EQ(standard_error({}), 0);
}

}  // namespace
}  // namespace euterpe
