#pragma once
/// How well a classifier with probabilities does.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace euterpe {

struct Prediction {
  std::vector<double> probabilities;  ///< [classes], sum 1
  int label = 0;                      ///< the truth
};

double accuracy(const std::vector<Prediction>& predictions);
/// Mean over the classes that occur of the share of them that was recognized.
double macro_recall(const std::vector<Prediction>& predictions);
/// Expected calibration error (Naeini et al. 2015) in 15 bins of equal mass: Σ bin share · |mean confidence −
/// accuracy|.
double expected_calibration_error(const std::vector<Prediction>& predictions);
/// 2.5th and 97.5th percentile of the error that a perfectly calibrated model of the same confidences would show at
/// this n: hits are drawn with the confidences as probabilities, 2,000 times.
std::pair<double, double> perfect_calibration_interval(const std::vector<Prediction>& predictions, std::uint64_t seed);

/// Standard error of the mean of independent values; 0 of fewer than two.
double standard_error(std::span<const double> values);

/// Pearson's correlation; 0 where one of the two does not vary. Both of equal length.
double pearson(std::span<const double> a, std::span<const double> b);

/// n, accuracy, macro_recall, ece, ece_perfect_95 and confusion ({truth: {answer: count}}).
nlohmann::json classification_report(const std::vector<Prediction>& predictions, const std::vector<std::string>& labels,
                                     std::uint64_t seed);

}  // namespace euterpe
