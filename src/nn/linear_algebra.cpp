#include "nn/linear_algebra.hpp"

#include <torch/torch.h>

#include <string>

#include "base/error.hpp"

namespace euterpe {
namespace {

torch::Tensor view(std::span<const float> values, std::int64_t n) {
  EUTERPE_ASSERT(n >= 0 && values.size() == static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
  return torch::from_blob(const_cast<float*>(values.data()), {n, n}, torch::kFloat32);
}

}  // namespace

void inverse_spd(std::span<float> matrix, std::int64_t n) {
  torch::NoGradGuard no_grad;
  torch::Tensor target = view(matrix, n);
  if (n == 0) return;
  auto [factor, info] = torch::linalg_cholesky_ex(target);
  const int failed = info.item<int>();
  if (failed != 0 || !factor.diagonal().isfinite().all().item<bool>())
    throw Error(
        Category::bad_input, "inverse_spd",
        "the matrix of " + std::to_string(n) + " rows is not positive definite (row " + std::to_string(failed) + ")",
        "a larger regularization (lambda) makes it so");
  target.copy_(torch::cholesky_inverse(factor));
}

void multiply_square(std::span<const float> a, std::span<const float> b, std::span<float> out, std::int64_t n) {
  torch::NoGradGuard no_grad;
  const torch::Tensor left = view(a, n), right = view(b, n);
  torch::Tensor target = view(out, n);
  if (out.data() == b.data())
    target.copy_(torch::mm(left, right));
  else
    torch::mm_out(target, left, right);
}

}  // namespace euterpe
