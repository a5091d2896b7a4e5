#include "evaluate/logistic.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr int kMostSteps = 50;
constexpr double kSettled = 1e-8;

/// x with A x = b for a symmetric positive definite A [n × n], by Cholesky; n is a handful.
std::vector<double> solve(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j * n + j] -= a[j * n + k] * a[j * n + k];
    EUTERPE_ASSERT(a[j * n + j] > 0);
    a[j * n + j] = std::sqrt(a[j * n + j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i * n + j] -= a[i * n + k] * a[j * n + k];
      a[i * n + j] /= a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

}  // namespace

double predict_logistic(std::span<const float> x, std::span<const double> coefficients) {
  double sum = 0;
  for (std::size_t c = 0; c < coefficients.size(); ++c) sum += static_cast<double>(x[c]) * coefficients[c];
  return 1 / (1 + std::exp(-sum));
}

std::vector<double> fit_logistic(std::span<const float> features, std::span<const float> targets,
                                 std::span<const double> weights, std::size_t columns, double l2) {
  EUTERPE_ASSERT(features.size() == targets.size() * columns && weights.size() == targets.size() && l2 > 0);
  std::vector<double> coefficients(columns, 0.);
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> curvature(columns * columns, 0.), slope(columns);
    for (std::size_t c = 0; c < columns; ++c) {
      curvature[c * columns + c] = l2;
      slope[c] = -l2 * coefficients[c];
    }
    for (std::size_t r = 0; r < targets.size(); ++r) {
      const auto x = features.subspan(r * columns, columns);
      const double p = predict_logistic(x, coefficients), weight = weights[r] * p * (1 - p);
      for (std::size_t c = 0; c < columns; ++c) {
        slope[c] += weights[r] * (static_cast<double>(targets[r]) - p) * static_cast<double>(x[c]);
        for (std::size_t d = 0; d <= c; ++d)
          curvature[c * columns + d] += weight * static_cast<double>(x[c]) * static_cast<double>(x[d]);
      }
    }
    const std::vector<double> change = solve(std::move(curvature), std::move(slope));
    double largest = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      coefficients[c] += change[c];
      largest = std::max(largest, std::abs(change[c]));
    }
    if (largest < kSettled) break;
  }
  return coefficients;
}

}  // namespace euterpe
