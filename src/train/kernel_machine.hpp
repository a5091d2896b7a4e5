#pragma once
/// Fits kernel machines by regularized least squares.
#include <cstdint>
#include <span>
#include <vector>

#include "nn/kernel_machine.hpp"

namespace euterpe {

struct KernelOptions {
  double gamma = 0.1;              ///< of the kernel, over standardized parts; > 0
  double ridge = 0.3;              ///< variance of the targets that is noise, relative to what the kernel explains; > 0
  std::vector<std::size_t> parts;  ///< widths; empty = one part
  std::vector<double> shares;      ///< of each part in the kernel, > 0, up to a factor; empty = equal
};

/// Kernel ridge regression (Saunders et al. 1998; the mean of a Gaussian process): minimizes the weighted squared error
/// plus ridge · ‖f‖², where the weights have the mean 1. One-hot targets make a classifier of it: least squares, whose
/// outputs estimate probabilities (Rifkin et al. 2003). Exact, in one Cholesky factorization: n³/3 operations and
/// 8 n² bytes.
/// \param inputs values an example, > 0
/// \param x [n × inputs]
/// \param targets [n × outputs], finite
/// \param importance [n], > 0; empty = all equal
KernelMachine fit_kernel_machine(std::size_t inputs, std::span<const float> x, std::span<const float> targets,
                                 std::span<const double> importance, const KernelOptions& options);

}  // namespace euterpe
