#include "train/kernel_machine.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

EUTERPE_HOT double dot(const double* a, const double* b, std::size_t n) {
  double part[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::size_t k = 0; k < 8; ++k) part[k] += a[i + k] * b[i + k];
  double sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (const double p : part) sum += p;
  return sum;
}

/// Replaces `a` (symmetric positive definite, [n × n]) by its Cholesky factor below and on the diagonal.
void factorize(std::vector<double>& a, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double rest = a[i * n + j] - dot(&a[i * n], &a[j * n], j);
      a[i * n + j] = i == j ? std::sqrt(rest) : rest / a[j * n + j];
    }
    EUTERPE_ASSERT(a[i * n + i] > 0);  // a kernel matrix with a ridge is positive definite
  }
}

/// Solves L Lᵀ y = b in place.
void solve(const std::vector<double>& l, std::size_t n, std::vector<double>& b) {
  for (std::size_t i = 0; i < n; ++i) b[i] = (b[i] - dot(&l[i * n], b.data(), i)) / l[i * n + i];
  for (std::size_t i = n; i-- > 0;) {
    b[i] /= l[i * n + i];
    for (std::size_t j = 0; j < i; ++j) b[j] -= l[i * n + j] * b[i];
  }
}

/// Of the numbers that are there; what is missing is NaN.
void standardize(KernelMachine& machine, std::span<const float> x, std::size_t n, std::size_t d) {
  for (std::size_t j = 0; j < d; ++j) {
    double sum = 0, squares = 0, count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::isfinite(x[i * d + j])) continue;
      sum += static_cast<double>(x[i * d + j]);
      count += 1;
    }
    const double mean = sum / std::max(1.0, count);
    for (std::size_t i = 0; i < n; ++i)
      if (std::isfinite(x[i * d + j])) squares += std::pow(static_cast<double>(x[i * d + j]) - mean, 2);
    const double deviation = std::sqrt(squares / std::max(1.0, count));
    machine.mean.push_back(static_cast<float>(mean));
    machine.deviation.push_back(deviation > 1e-6 ? static_cast<float>(deviation) : 1.0f);
  }
}

}  // namespace

KernelMachine fit_kernel_machine(std::size_t inputs, std::span<const float> x, std::span<const float> targets,
                                 std::span<const double> importance, const KernelOptions& options) {
  EUTERPE_ASSERT(inputs > 0 && !x.empty() && x.size() % inputs == 0 && options.gamma > 0 && options.ridge > 0);
  const std::size_t n = x.size() / inputs, outputs = targets.size() / n;
  EUTERPE_ASSERT(outputs > 0 && targets.size() == n * outputs && (importance.empty() || importance.size() == n));
  KernelMachine machine;
  machine.parts = options.parts.empty() ? std::vector<std::size_t>{inputs} : options.parts;
  EUTERPE_ASSERT(std::accumulate(machine.parts.begin(), machine.parts.end(), std::size_t{0}) == inputs);
  std::vector<double> shares = options.shares;
  if (shares.empty()) shares.assign(machine.parts.size(), 1.0);
  EUTERPE_ASSERT(shares.size() == machine.parts.size());
  const double whole = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (const double share : shares) machine.share.push_back(static_cast<float>(share / whole));
  machine.gamma = static_cast<float>(options.gamma);
  standardize(machine, x, n, inputs);
  for (std::size_t i = 0; i < n; ++i)
    // As they will stand on disk, so that what is fitted here is what is loaded later.
    for (const float v : machine.standardized(x.subspan(i * inputs, inputs)))
      machine.support.push_back(bf16_to_float(float_to_bf16(v)));

  std::vector<double> share(n, 1.0);
  if (!importance.empty()) share.assign(importance.begin(), importance.end());
  const double total = std::accumulate(share.begin(), share.end(), 0.0);
  std::vector<double> matrix(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = std::span(machine.support).subspan(i * inputs, inputs);
    for (std::size_t j = 0; j <= i; ++j)
      matrix[i * n + j] =
          static_cast<double>(machine.kernel(row, std::span(machine.support).subspan(j * inputs, inputs)));
    matrix[i * n + i] += options.ridge * total / (static_cast<double>(n) * share[i]);
  }
  factorize(matrix, n);
  machine.weight.resize(n * outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) mean += share[i] / total * static_cast<double>(targets[i * outputs + o]);
    std::vector<double> column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = static_cast<double>(targets[i * outputs + o]) - mean;
    solve(matrix, n, column);
    machine.bias.push_back(static_cast<float>(mean));
    for (std::size_t i = 0; i < n; ++i) machine.weight[i * outputs + o] = static_cast<float>(column[i]);
  }
  return machine;
}

}  // namespace euterpe
