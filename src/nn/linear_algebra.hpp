#pragma once
/// The two dense operations that closed-form models need, on libtorch's BLAS and LAPACK.
#include <cstdint>
#include <span>

namespace euterpe {

/// Replaces a symmetric positive definite matrix by its inverse (Cholesky), in place.
/// \param matrix row-major [n × n], finite, exactly n·n long; only one triangle is trusted
/// Peak memory is two further matrices. Throws Error{bad_input} if it is not positive definite; `matrix` is then
/// unchanged.
void inverse_spd(std::span<float> matrix, std::int64_t n);

/// out = a · b, all row-major [n × n]; `out` may be `b` but no other overlap is allowed.
void multiply_square(std::span<const float> a, std::span<const float> b, std::span<float> out, std::int64_t n);

}  // namespace euterpe
