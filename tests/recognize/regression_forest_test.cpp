#include "recognize/regression_forest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

/// y0 is a step of the first number, y1 grows with the second; the third says nothing.
void plant(Random& random, int n, std::vector<float>& x, std::vector<float>& y) {
  for (int i = 0; i < n; ++i) {
    const std::array<double, 3> v{random.normal(), random.normal(), random.normal()};
    for (const double value : v) x.push_back(static_cast<float>(value));
    y.push_back(v[0] > 0.3 ? 1.0f : 0.0f);
    y.push_back(static_cast<float>(100 * v[1]));
  }
}

RegressionForest planted_forest() {
  Random random(8);
  std::vector<float> x, y;
  plant(random, 400, x, y);
  return RegressionForest::fit(3, x, y, {.trees = 60, .tried = 1, .seed = 2});
}

TEST(RegressionForest, FindsTwoPlantedFunctionsOfDifferentUnits) {
  const RegressionForest forest = planted_forest();
  EXPECT_LT(forest(std::array{-1.0f, 0.0f, 0.0f})[0], 0.15);
  EXPECT_GT(forest(std::array{1.2f, 0.0f, 0.0f})[0], 0.85);
  EXPECT_NEAR(forest(std::array{0.0f, 1.0f, 0.0f})[1], 100, 25);
  EXPECT_NEAR(forest(std::array{0.0f, -1.0f, 0.0f})[1], -100, 25);
}

TEST(RegressionForest, IsTheSameWhateverTheNumberOfThreadsAndWhenReadAgain) {
  const int before = threads();
  set_threads(1);
  const RegressionForest one = planted_forest();
  set_threads(3);
  const RegressionForest three = planted_forest();
  set_threads(before);
  Safetensors file;
  one.put(file, "f");
  const RegressionForest again = RegressionForest::from(read_safetensors(write_safetensors(file)), "f");
  Random random(9);
  for (int i = 0; i < 50; ++i) {
    std::array<float, 3> x{};
    for (float& v : x) v = static_cast<float>(random.normal());
    EXPECT_EQ(one(x), three(x));
    EXPECT_EQ(one(x), again(x));
  }
}

TEST(RegressionForest, GivesTheMeanWhereNothingCanBeCut) {
  const std::vector<float> x(10, 4.0f), y{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_NEAR(RegressionForest::fit(1, x, y, {.trees = 3})(std::array{7.0f})[0], 5.5, 0.02);
}

TEST(RegressionForest, FollowsNoBrokenPath) {
  Safetensors good;
  planted_forest().put(good, "f");
  const auto refused = [&](const char* name, std::size_t at, float value) {
    Safetensors file = good;
    auto values = file.floats(name);
    values[at] = value;
    file.put(name, file.at(name).shape, values, file.at(name).dtype);
    EXPECT_THROW(RegressionForest::from(file, "f"), Error) << name;
  };
  refused("f.feature", 0, 3);
  refused("f.feature", 0, -1);
  refused("f.right", 0, 0);
  refused("f.right", 0, 30000);
  refused("f.root", 1, 0);
  refused("f.leaf", 0, NAN);
  EXPECT_TRUE(RegressionForest::from(Safetensors(), "f").empty());
}

}  // namespace
}  // namespace euterpe
