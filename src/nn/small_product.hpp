#pragma once
/// Products of matrices that fit the caches, such as those of one attention head: no copies into another layout, no
/// library whose choice of kernels depends on the processor's name.
#include <cstdint>

namespace euterpe {

/// Element (i, k) is values[i · row + k · column]: a matrix, its transpose, or a part of either.
struct StridedMatrix {
  const float* values;
  std::int64_t row, column;
};

/// c[rows × columns] = a [rows × inner] · b [inner × columns], or that added to c. Strides are those of rows of b and
/// c, which are dense within a row and do not overlap.
void small_product(const StridedMatrix& a, const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride,
                   std::int64_t rows, std::int64_t inner, std::int64_t columns, bool add);

}  // namespace euterpe
