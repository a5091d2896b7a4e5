#include "nn/small_product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.hpp"

namespace euterpe {
namespace {

std::vector<float> noise(std::int64_t n, Random& random) {
  std::vector<float> out(static_cast<std::size_t>(n));
  for (float& v : out) v = static_cast<float>(random.normal());
  return out;
}

TEST(SmallProduct, is_the_sum_of_products_for_any_size_and_stride) {
  Random random(3);
  for (const std::int64_t rows : {1, 5, 6, 13, 48})
    for (const std::int64_t columns : {1, 15, 16, 48, 64, 101})
      for (const bool across : {false, true}) {
        const std::int64_t inner = 1 + static_cast<std::int64_t>(random.below(70)), b_stride = columns + 3,
                           c_stride = columns + 2;
        const auto a = noise(rows * inner, random), b = noise(inner * b_stride, random);
        const StridedMatrix view{a.data(), across ? 1 : inner, across ? rows : 1};
        const auto before = noise(rows * c_stride, random);
        for (const bool add : {false, true}) {
          auto c = before;
          small_product(view, b.data(), b_stride, c.data(), c_stride, rows, inner, columns, add);
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t i = 0; i < c_stride; ++i) {
              const auto at = static_cast<std::size_t>(r * c_stride + i);
              double expected = i < columns && !add ? 0 : before[at];
              for (std::int64_t k = 0; i < columns && k < inner; ++k)
                expected += static_cast<double>(view.values[r * view.row + k * view.column]) *
                            b[static_cast<std::size_t>(k * b_stride + i)];
              ASSERT_NEAR(c[at], expected, 1e-4) << rows << " " << inner << " " << columns << " " << r << " " << i;
            }
        }
      }
}

}  // namespace
}  // namespace euterpe
