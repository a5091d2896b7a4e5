#include "evaluate/distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace euterpe {
namespace {

/// Points whose mean and (n − 1) covariance are exactly `mean` and diag(variance) in the basis turned by `angle`.
Vectors ellipse(double mean_x, double mean_y, double var_x, double var_y, double angle) {
  const double a = std::sqrt(1.5 * var_x), b = std::sqrt(1.5 * var_y);  // four points: (2a²)/3 = var
  Vectors out;
  for (auto [x, y] : {std::pair{a, 0.0}, {-a, 0.0}, {0.0, b}, {0.0, -b}})
    out.push_back({static_cast<float>(mean_x + x * std::cos(angle) - y * std::sin(angle)),
                   static_cast<float>(mean_y + x * std::sin(angle) + y * std::cos(angle))});
  return out;
}

TEST(FrechetDistance, of_a_set_to_itself_is_zero) {
  Random random(1);
  Vectors set(50, std::vector<float>(8));
  for (auto& v : set)
    for (float& x : v) x = static_cast<float>(random.normal());
  EXPECT_NEAR(frechet_distance(set, set), 0, 1e-6);
  Vectors shuffled = set;
  random.shuffle(shuffled);
  EXPECT_NEAR(frechet_distance(set, shuffled), 0, 1e-6);
}

TEST(FrechetDistance, between_two_normals_is_the_closed_form) {
  // Covariances that commute: |Δμ|² + Σ (√λ₁ − √λ₂)².
  EXPECT_NEAR(frechet_distance(ellipse(0, 0, 4, 9, 0), ellipse(3, 4, 16, 1, 0)), 25 + 4 + 4, 1e-4);
  EXPECT_NEAR(frechet_distance(ellipse(1, 1, 4, 9, 0.7), ellipse(1, 1, 16, 1, 0.7)), 8, 1e-4);
}

TEST(FrechetDistance, holds_for_covariances_that_do_not_commute) {
  // In two dimensions tr (AB)^½ = √(tr AB + 2 √(det A det B)).
  const double angle = 0.6, c = std::cos(angle), s = std::sin(angle);
  const double b11 = 16 * c * c + 1 * s * s, b22 = 16 * s * s + 1 * c * c;
  const double trace_root = std::sqrt(4 * b11 + 9 * b22 + 2 * std::sqrt(36.0 * 16.0));
  EXPECT_NEAR(frechet_distance(ellipse(0, 0, 4, 9, 0), ellipse(0, 0, 16, 1, angle)), 13 + 17 - 2 * trace_root, 1e-4);
}

TEST(FrechetDistance, is_symmetric_and_stands_flat_sets) {
  const Vectors flat{{1, 2, 0}, {2, 4, 0}, {3, 6, 0}}, other{{0, 0, 1}, {1, 0, 3}, {5, 1, 0}, {2, 2, 2}};
  EXPECT_NEAR(frechet_distance(flat, other), frechet_distance(other, flat), 1e-5);
  EXPECT_NEAR(frechet_distance(flat, flat), 0, 1e-5);
}

TEST(SymmetricEigenvalues, of_a_known_matrix_are_found_with_their_vectors) {
  // [2 1; 1 2] beside 5: 1, 3, 5.
  const std::vector<double> matrix{2, 1, 0, 1, 2, 0, 0, 0, 5};
  std::vector<double> vectors;
  const auto values = symmetric_eigenvalues(matrix, 3, &vectors);
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NEAR(sorted[0], 1, 1e-12);
  EXPECT_NEAR(sorted[1], 3, 1e-12);
  EXPECT_NEAR(sorted[2], 5, 1e-12);
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t i = 0; i < 3; ++i) {
      double product = 0;
      for (std::size_t j = 0; j < 3; ++j) product += matrix[i * 3 + j] * vectors[j * 3 + k];
      EXPECT_NEAR(product, values[k] * vectors[i * 3 + k], 1e-12);
    }
}

TEST(SymmetricEigenvalues, rebuild_a_random_matrix) {
  constexpr std::size_t n = 24;
  Random random(4);
  std::vector<double> matrix(n * n), vectors;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) matrix[i * n + j] = matrix[j * n + i] = random.normal();
  const auto values = symmetric_eigenvalues(matrix, n, &vectors);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double rebuilt = 0;
      for (std::size_t k = 0; k < n; ++k) rebuilt += values[k] * vectors[i * n + k] * vectors[j * n + k];
      EXPECT_NEAR(rebuilt, matrix[i * n + j], 1e-10);
    }
}

TEST(MeanPairwiseDistance, is_the_mean_over_pairs) {
  EXPECT_DOUBLE_EQ(mean_pairwise_distance({{0, 0}, {3, 4}, {0, 0}}), 10.0 / 3);
  EXPECT_EQ(mean_pairwise_distance({{1, 2}}), 0);
  EXPECT_EQ(mean_pairwise_distance({}), 0);
}

}  // namespace
}  // namespace euterpe
