#pragma once
/// The median of a few values.
#include <algorithm>
#include <cstddef>
#include <span>

namespace euterpe {

/// The middle one, or the mean of the two middle ones; at least one value is needed. Reorders them.
inline float median(std::span<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5f * (*std::max_element(values.begin(), middle) + *middle);
}

}  // namespace euterpe
