#pragma once
/// Running medians along time or frequency with the borders of scipy.ndimage.median_filter's mode="reflect".
#include <cstddef>

#include "signal/matrix.hpp"

namespace euterpe {

/// The median of the `size` values around each one (`size` / 2 before it, the rest after it; of an even number the
/// upper one), beyond the edges the input mirrored with its outermost value doubled. Values must be ≥ 0. Windows of 31
/// go through a network of minima and maxima that neighboring windows share (after Adams 2021, "Fast median filters
/// using separable sorting networks"), 16 lines at once; others through one sorted window that slides.
///
/// Both write the frames [begin, end) of the result, row-major [bins × (end − begin)], to `out`.
void median_along_time(const Matrix& values, int size, std::size_t begin, std::size_t end, float* out);
void median_along_frequency(const Matrix& values, int size, std::size_t begin, std::size_t end, float* out);

}  // namespace euterpe
