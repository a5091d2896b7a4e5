#pragma once
/// Distances between sets of vectors.
#include <span>
#include <vector>

namespace euterpe {

using Vectors = std::vector<std::vector<float>>;  ///< equal lengths

/// Mean Euclidean distance over all pairs; 0 for fewer than two vectors.
double mean_pairwise_distance(const Vectors& set);

/// Fréchet distance between the normal distributions fitted to two sets (Dowson and Landau 1982):
/// |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). Both sets hold at least two vectors.
double frechet_distance(const Vectors& a, const Vectors& b);

/// Eigenvalues of a symmetric matrix [n × n, row-major] by Jacobi rotations; columns of `vectors` (if given) are the
/// eigenvectors.
std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t n,
                                          std::vector<double>* vectors = nullptr);

}  // namespace euterpe
