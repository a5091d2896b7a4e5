#include "signal/timbre_covariance.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kCoefficients = 20, kSize = 2 * kCoefficients;
using Square = std::array<std::array<double, kSize>, kSize>;

/// Cyclic Jacobi rotations (Golub and Van Loan, 8.5): `a` becomes diagonal, the columns of the result its eigenvectors.
Square diagonalize(Square& a) {
  Square v{};
  for (std::size_t i = 0; i < kSize; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < 30; ++sweep) {
    double off = 0, diagonal = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      diagonal += a[i][i] * a[i][i];
      for (std::size_t j = 0; j < i; ++j) off += a[i][j] * a[i][j];
    }
    if (off <= 1e-20 * diagonal) break;
    for (std::size_t p = 0; p < kSize; ++p) {
      for (std::size_t q = p + 1; q < kSize; ++q) {
        if (a[p][q] == 0) continue;
        const double tau = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (tau >= 0 ? 1.0 : -1.0) / (std::abs(tau) + std::sqrt(1 + tau * tau));
        const double c = 1 / std::sqrt(1 + t * t), s = t * c;
        for (std::size_t k = 0; k < kSize; ++k) {
          const double x = a[k][p], y = a[k][q];
          a[k][p] = c * x - s * y;
          a[k][q] = s * x + c * y;
        }
        for (std::size_t k = 0; k < kSize; ++k) {
          const double x = a[p][k], y = a[q][k];
          a[p][k] = c * x - s * y;
          a[q][k] = s * x + c * y;
          const double z = v[k][p], w = v[k][q];
          v[k][p] = c * z - s * w;
          v[k][q] = s * z + c * w;
        }
      }
    }
  }
  return v;
}

}  // namespace

std::vector<float> timbre_covariance(const Matrix& mfcc) {
  EUTERPE_ASSERT(mfcc.bins == kCoefficients);
  Square covariance{};
  if (mfcc.frames > 5) {
    const std::size_t n = mfcc.frames - 4;
    std::vector<std::array<double, kSize>> rows(n);
    std::array<double, kSize> mean{};
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t c = 0; c < kCoefficients; ++c) {
        rows[t][c] = static_cast<double>(mfcc.at(c, t + 2));
        rows[t][kCoefficients + c] = static_cast<double>(mfcc.at(c, t + 4)) - static_cast<double>(mfcc.at(c, t));
      }
      for (std::size_t i = 0; i < kSize; ++i) mean[i] += rows[t][i] / static_cast<double>(n);
    }
    for (const auto& row : rows)
      for (std::size_t i = 0; i < kSize; ++i)
        for (std::size_t j = 0; j <= i; ++j)
          covariance[i][j] += (row[i] - mean[i]) * (row[j] - mean[j]) / static_cast<double>(n - 1);
  }
  for (std::size_t i = 0; i < kSize; ++i) {
    covariance[i][i] += 1;  // dB²: what is quieter than that is noise, and keeps the logarithm finite
    for (std::size_t j = 0; j < i; ++j) covariance[j][i] = covariance[i][j];
  }
  const Square v = diagonalize(covariance);
  std::vector<float> result;
  for (std::size_t i = 0; i < kSize; ++i)
    for (std::size_t j = i; j < kSize; ++j) {
      double entry = 0;
      for (std::size_t k = 0; k < kSize; ++k) entry += v[i][k] * v[j][k] * std::log(std::max(covariance[k][k], 1e-6));
      result.push_back(static_cast<float>(i == j ? entry : std::sqrt(2.0) * entry));
    }
  for (std::size_t c = 0; c < kCoefficients; ++c) {
    double sum = 0;
    for (const float value : mfcc.row(c)) sum += static_cast<double>(value);
    result.push_back(static_cast<float>(sum / std::max<double>(1, static_cast<double>(mfcc.frames)) / 3));
  }
  for (float& value : result)
    if (!std::isfinite(value)) value = 0;
  return result;
}

}  // namespace euterpe
