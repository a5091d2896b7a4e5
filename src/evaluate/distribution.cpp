#include "evaluate/distribution.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

struct Normal {
  std::vector<double> mean, covariance;
};

Normal fit(const Vectors& set) {
  EUTERPE_ASSERT(set.size() >= 2);
  const std::size_t n = set.front().size();
  Normal out{std::vector<double>(n), std::vector<double>(n * n)};
  for (const auto& v : set)
    for (std::size_t i = 0; i < n; ++i) out.mean[i] += double{v[i]} / static_cast<double>(set.size());
  for (const auto& v : set)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        out.covariance[i * n + j] += (v[i] - out.mean[i]) * (v[j] - out.mean[j]) / static_cast<double>(set.size() - 1);
  return out;
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, std::size_t n) {
  std::vector<double> out(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += a[i * n + k] * b[k * n + j];
  return out;
}

/// Square root of a symmetric positive semidefinite matrix.
std::vector<double> square_root(const std::vector<double>& matrix, std::size_t n) {
  std::vector<double> vectors;
  const auto values = symmetric_eigenvalues(matrix, n, &vectors);
  std::vector<double> out(n * n);
  for (std::size_t k = 0; k < n; ++k) {
    const double root = std::sqrt(std::max(0.0, values[k]));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += root * vectors[i * n + k] * vectors[j * n + k];
  }
  return out;
}

}  // namespace

double mean_pairwise_distance(const Vectors& set) {
  double sum = 0;
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < set.size(); ++i)
    for (std::size_t j = i + 1; j < set.size(); ++j, ++pairs) {
      double square = 0;
      for (std::size_t k = 0; k < set[i].size(); ++k)
        square += (double{set[i][k]} - set[j][k]) * (double{set[i][k]} - set[j][k]);
      sum += std::sqrt(square);
    }
  return pairs ? sum / static_cast<double>(pairs) : 0;
}

double frechet_distance(const Vectors& a, const Vectors& b) {
  const Normal p = fit(a), q = fit(b);
  const std::size_t n = p.mean.size();
  EUTERPE_ASSERT(q.mean.size() == n);
  double distance = 0;
  for (std::size_t i = 0; i < n; ++i) {
    distance += (p.mean[i] - q.mean[i]) * (p.mean[i] - q.mean[i]);
    distance += p.covariance[i * n + i] + q.covariance[i * n + i];
  }
  // Σ₁Σ₂ has the eigenvalues of the symmetric Σ₁^½ Σ₂ Σ₁^½.
  const auto root = square_root(p.covariance, n);
  auto middle = product(product(root, q.covariance, n), root, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      middle[i * n + j] = middle[j * n + i] = (middle[i * n + j] + middle[j * n + i]) / 2;
  for (double value : symmetric_eigenvalues(middle, n)) distance -= 2 * std::sqrt(std::max(0.0, value));
  return std::max(0.0, distance);
}

std::vector<double> symmetric_eigenvalues(std::vector<double> m, std::size_t n, std::vector<double>* vectors) {
  constexpr int kSweeps = 60;
  std::vector<double> v(n * n);
  for (std::size_t i = 0; i < n; ++i) v[i * n + i] = 1;
  double scale = 0;
  for (double x : m) scale += x * x;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double off = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j) off += m[i * n + j] * m[i * n + j];
    if (off <= 1e-24 * scale) break;
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        const double a = m[p * n + q];
        if (a == 0) continue;
        const double theta = (m[q * n + q] - m[p * n + p]) / (2 * a);
        const double t = (theta >= 0 ? 1.0 : -1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const double x = m[k * n + p], y = m[k * n + q];
          m[k * n + p] = c * x - s * y;
          m[k * n + q] = s * x + c * y;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double x = m[p * n + k], y = m[q * n + k];
          m[p * n + k] = c * x - s * y;
          m[q * n + k] = s * x + c * y;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double x = v[k * n + p], y = v[k * n + q];
          v[k * n + p] = c * x - s * y;
          v[k * n + q] = s * x + c * y;
        }
      }
  }
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = m[i * n + i];
  if (vectors) *vectors = std::move(v);
  return values;
}

}  // namespace euterpe
