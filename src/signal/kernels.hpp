#pragma once
/// Loops over one row of a Matrix (all frames of one bin), compiled for the widest vectors of the machine.
#include <cstddef>

namespace euterpe::kernels {

/// y += a · x
void add_scaled(const float* x, float a, float* y, std::size_t n);
/// x = 10 · log10(max(x, floor)) in place
void decibels(float* x, float floor, std::size_t n);
/// y = √x
void roots(const float* x, float* y, std::size_t n);
/// out = |re + i im| as NumPy has it, bit for bit where there is FMA: max · √(1 + (min / max)²), which cannot overflow.
/// `out` may not be re or im.
void magnitudes(const float* re, const float* im, float* out, std::size_t n);
/// y = x · x
void squares(const float* x, float* y, std::size_t n);
/// out[l] = Σ weights[k] · strip[k · kLanes + l] over k < n: a weighted sum of the rows of a strip (see lanes.hpp);
/// both 64-byte aligned
void weighted_rows(const float* strip, const float* weights, std::size_t n, float* out);
/// x = max(x − offset, least) in place
void subtract_and_limit(float* x, float offset, float least, std::size_t n);
float maximum(const float* x, std::size_t n);  ///< −∞ for n = 0
double dot(const float* x, const float* y, std::size_t n);
double sum_of_squares(const float* x, std::size_t n);

}  // namespace euterpe::kernels
