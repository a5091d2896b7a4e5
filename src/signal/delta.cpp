#include "signal/delta.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "signal/kernels.hpp"

namespace euterpe {
namespace {

/// Weights of the values at −width/2 … width/2 in the derivative. The leading coefficient of the fitted polynomial is
/// the projection on the monic polynomial of that degree which is orthogonal to all lower ones on these points.
std::vector<float> derivative_weights(int width, int order) {
  const auto n = static_cast<std::size_t>(width);
  const double middle = width / 2;
  std::vector<double> before(n, 0.0), now(n, 1.0);
  double norm_before = 1, norm = width, factorial = 1;
  for (int degree = 1; degree <= order; ++degree) {
    const double share = degree > 1 ? norm / norm_before : 0;  // three-term recurrence on symmetric points
    double next_norm = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double next = (static_cast<double>(i) - middle) * now[i] - share * before[i];
      before[i] = now[i];
      now[i] = next;
      next_norm += next * next;
    }
    norm_before = norm;
    norm = next_norm;
    factorial *= degree;
  }
  std::vector<float> weights(n);
  for (std::size_t i = 0; i < n; ++i) weights[i] = static_cast<float>(factorial * now[i] / norm);
  return weights;
}

}  // namespace

Matrix delta(const Matrix& data, int width, int order) {
  if (width < 3 || width % 2 == 0 || order < 1 || order >= width || static_cast<std::size_t>(width) > data.frames) {
    throw Error(Category::usage, "delta",
                "width " + std::to_string(width) + ", order " + std::to_string(order) + ", " +
                    std::to_string(data.frames) + " frames",
                "the width must be odd, at least 3, above the order and no longer than the recording");
  }
  const std::vector<float> weights = derivative_weights(width, order);
  const auto reach = weights.size() / 2, whole = data.frames - 2 * reach;
  Matrix result(data.bins, data.frames, data.hop);
  for (std::size_t b = 0; b < data.bins; ++b) {
    const auto row = result.row(b);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      kernels::add_scaled(data.row(b).data() + i, weights[i], row.data() + reach, whole);
    }
    // A polynomial's derivative of its own degree is the same everywhere.
    std::ranges::fill(row.first(reach), row[reach]);
    std::ranges::fill(row.last(reach), row[reach + whole - 1]);
  }
  return result;
}

}  // namespace euterpe
