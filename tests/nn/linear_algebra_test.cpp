#include "nn/linear_algebra.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

TEST(LinearAlgebra, InverseTimesMatrixIsIdentity) {
  constexpr std::int64_t n = 37;
  Random random(3);
  std::vector<float> root(n * n), matrix(n * n, 0.f);
  for (float& v : root) v = static_cast<float>(random.normal());
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      for (int k = 0; k < n; ++k) matrix[i * n + j] += root[i * n + k] * root[j * n + k];
      if (i == j) matrix[i * n + j] += 5;
    }
  std::vector<float> inverse = matrix, product(n * n);
  inverse_spd(inverse, n);
  multiply_square(matrix, inverse, product, n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) EXPECT_NEAR(product[i * n + j], i == j ? 1 : 0, 1e-3) << i << ' ' << j;
}

TEST(LinearAlgebra, HandComputedInverseOfTwoByTwo) {
  std::vector<float> matrix{4, 2, 2, 3};  // determinant 8
  inverse_spd(matrix, 2);
  EXPECT_NEAR(matrix[0], 3. / 8, 1e-6);
  EXPECT_NEAR(matrix[1], -2. / 8, 1e-6);
  EXPECT_NEAR(matrix[2], -2. / 8, 1e-6);
  EXPECT_NEAR(matrix[3], 4. / 8, 1e-6);
}

TEST(LinearAlgebra, ProductMayReplaceItsSecondFactor) {
  const std::vector<float> a{1, 2, 3, 4};
  std::vector<float> b{5, 6, 7, 8};
  multiply_square(a, b, b, 2);
  EXPECT_EQ(b, (std::vector<float>{19, 22, 43, 50}));
}

TEST(LinearAlgebra, IndefiniteMatrixIsRefusedAndLeftAlone) {
  std::vector<float> matrix{1, 2, 2, 1};
  try {
    inverse_spd(matrix, 2);
    FAIL() << "an indefinite matrix was inverted";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), Category::bad_input);
  }
  EXPECT_EQ(matrix, (std::vector<float>{1, 2, 2, 1}));
}

TEST(LinearAlgebra, EmptyMatrixIsItsOwnInverse) {
  std::vector<float> none;
  EXPECT_NO_THROW(inverse_spd(none, 0));
}

}  // namespace
}  // namespace euterpe
