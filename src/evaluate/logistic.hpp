#pragma once
/// Logistic regression on a few features.
#include <cstddef>
#include <span>
#include <vector>

namespace euterpe {

/// Coefficients [columns] that maximize Σ w · log P(y | x) − l2/2 · ‖β‖², P(1 | x) = σ(x · β), by Newton's method
/// (iteratively reweighted least squares). Put a column of ones for the intercept; it is regularized like the others.
/// \param features row-major [targets.size() × columns], finite; \param targets 0–1; \param weights ≥ 0, beside targets
/// \param l2 > 0
std::vector<double> fit_logistic(std::span<const float> features, std::span<const float> targets,
                                 std::span<const double> weights, std::size_t columns, double l2);

/// σ(x · β), 0–1. Both: [columns].
double predict_logistic(std::span<const float> x, std::span<const double> coefficients);

}  // namespace euterpe
