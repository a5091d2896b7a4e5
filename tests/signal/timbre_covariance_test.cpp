#include "signal/timbre_covariance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace euterpe {
namespace {

/// Coefficients that vary for themselves, each with the deviation given; their change varies with twice the variance.
Matrix noise(double deviation, std::size_t frames) {
  Matrix mfcc(20, frames, 0.023);
  Random random(3);
  for (float& v : mfcc.data) v = static_cast<float>(deviation * random.normal());
  return mfcc;
}

TEST(TimbreCovariance, OfIndependentCoefficientsIsTheLogarithmOfTheirVariances) {
  const auto vector = timbre_covariance(noise(3, 20000));
  ASSERT_EQ(vector.size(), kTimbreCovariance);
  // Row i of the triangle begins after 40 + 39 + … entries; its first is the diagonal.
  std::size_t at = 0;
  for (std::size_t i = 0; i < 40; at += 40 - i, ++i) {
    EXPECT_NEAR(vector[at], std::log(1 + 9 * (i < 20 ? 1 : 2)), 0.1) << i;
    for (std::size_t j = 1; j < 40 - i; ++j) EXPECT_NEAR(vector[at + j], 0, 0.1) << i << " " << j;
  }
}

TEST(TimbreCovariance, SeesTwoCoefficientsThatMoveTogether) {
  Matrix mfcc = noise(3, 2000);
  std::copy(mfcc.row(0).begin(), mfcc.row(0).end(), mfcc.row(1).begin());
  const auto vector = timbre_covariance(mfcc);
  // Covariance [[10, 9], [9, 10]] has the eigenvalues 19 and 1: half of ln 19 off the diagonal, times √2.
  EXPECT_NEAR(vector[1], std::sqrt(2) * std::log(19) / 2, 0.1);
}

TEST(TimbreCovariance, OfNothingAndOfSilenceIsFinite) {
  for (const std::size_t frames : {0u, 1u, 5u, 6u, 100u}) {
    const auto vector = timbre_covariance(Matrix(20, frames, 0.023));
    ASSERT_EQ(vector.size(), kTimbreCovariance);
    EXPECT_TRUE(std::all_of(vector.begin(), vector.end(), [](float v) { return v == 0; })) << frames;
  }
}

}  // namespace
}  // namespace euterpe
