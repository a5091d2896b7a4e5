#include "recognize/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

std::size_t answer(const Prediction& prediction) {
  const auto& p = prediction.probabilities;
  return static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
}

bool right(const Prediction& prediction) { return answer(prediction) == static_cast<std::size_t>(prediction.label); }

/// \param confidences ascending; \param hits in the same order
double calibration_error(const std::vector<double>& confidences, const std::vector<char>& hits) {
  constexpr std::size_t kBins = 15;
  const std::size_t n = confidences.size();
  double error = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    double difference = 0;
    for (std::size_t i = bin * n / kBins; i < (bin + 1) * n / kBins; ++i) difference += confidences[i] - hits[i];
    error += std::abs(difference);
  }
  return n > 0 ? error / static_cast<double>(n) : 0;
}

/// Confidence and hit of each prediction, by ascending confidence.
std::pair<std::vector<double>, std::vector<char>> by_confidence(const std::vector<Prediction>& predictions) {
  std::vector<std::pair<double, char>> pairs;
  for (const auto& p : predictions) pairs.emplace_back(p.probabilities[answer(p)], right(p));
  std::sort(pairs.begin(), pairs.end());
  std::pair<std::vector<double>, std::vector<char>> result;
  for (const auto& [confidence, hit] : pairs) {
    result.first.push_back(confidence);
    result.second.push_back(hit);
  }
  return result;
}

}  // namespace

double accuracy(const std::vector<Prediction>& predictions) {
  if (predictions.empty()) return 0;
  return static_cast<double>(std::count_if(predictions.begin(), predictions.end(), right)) /
         static_cast<double>(predictions.size());
}

double macro_recall(const std::vector<Prediction>& predictions) {
  std::map<int, std::pair<double, double>> counts;
  for (const auto& p : predictions) {
    counts[p.label].first += right(p);
    counts[p.label].second += 1;
  }
  double sum = 0;
  for (const auto& [label, count] : counts) sum += count.first / count.second;
  return counts.empty() ? 0 : sum / static_cast<double>(counts.size());
}

double expected_calibration_error(const std::vector<Prediction>& predictions) {
  const auto [confidences, hits] = by_confidence(predictions);
  return calibration_error(confidences, hits);
}

std::pair<double, double> perfect_calibration_interval(const std::vector<Prediction>& predictions, std::uint64_t seed) {
  constexpr std::size_t kDraws = 2000;
  auto [confidences, hits] = by_confidence(predictions);
  Random random(seed);
  std::vector<double> errors;
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    for (std::size_t i = 0; i < hits.size(); ++i) hits[i] = random.uniform() < confidences[i];
    errors.push_back(calibration_error(confidences, hits));
  }
  std::sort(errors.begin(), errors.end());
  return {errors[kDraws / 40], errors[kDraws - 1 - kDraws / 40]};
}

double standard_error(std::span<const double> values) {
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return n > 1 ? std::sqrt(squares / (n - 1) / n) : 0;
}

double pearson(std::span<const double> a, std::span<const double> b) {
  EUTERPE_ASSERT(a.size() == b.size());
  double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
  const auto n = static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / n;
    mean_b += b[i] / n;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  // What varies by rounding alone does not vary.
  const auto varies = [n](double squares, double mean) { return squares > 1e-12 * n * (1e-12 + mean * mean); };
  return varies(aa, mean_a) && varies(bb, mean_b) ? ab / std::sqrt(aa * bb) : 0;
}

nlohmann::json classification_report(const std::vector<Prediction>& predictions, const std::vector<std::string>& labels,
                                     std::uint64_t seed) {
  nlohmann::json confusion = nlohmann::json::object();
  for (const auto& truth : labels)
    for (const auto& given : labels) confusion[truth][given] = 0;
  for (const auto& p : predictions) {
    auto& cell = confusion[labels[static_cast<std::size_t>(p.label)]][labels[answer(p)]];
    cell = cell.get<int>() + 1;
  }
  const auto [low, high] = perfect_calibration_interval(predictions, seed);
  return {{"n", predictions.size()},
          {"accuracy", accuracy(predictions)},
          {"macro_recall", macro_recall(predictions)},
          {"ece", expected_calibration_error(predictions)},
          {"ece_perfect_95", {low, high}},
          {"confusion", confusion}};
}

}  // namespace euterpe
