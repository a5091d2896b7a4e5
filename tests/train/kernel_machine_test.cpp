#include "train/kernel_machine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

/// y0 = sin(2a) + b, y1 = a·b + 3, with noise; c says nothing.
void plant(Random& random, int n, std::vector<float>& x, std::vector<float>& y) {
  for (int i = 0; i < n; ++i) {
    const double a = random.normal(), b = random.normal(), c = random.normal();
    for (const double v : {a, b, c}) x.push_back(static_cast<float>(v));
    y.push_back(static_cast<float>(std::sin(2 * a) + b + 0.05 * random.normal()));
    y.push_back(static_cast<float>(a * b + 3 + 0.05 * random.normal()));
  }
}

TEST(KernelMachine, FindsAPlantedFunctionOfTwoNumbersAndIgnoresAThird) {
  Random random(4);
  std::vector<float> x, y, new_x, new_y;
  plant(random, 500, x, y);
  plant(random, 200, new_x, new_y);
  const KernelMachine machine = fit_kernel_machine(3, x, y, {}, {.gamma = 0.6, .ridge = 0.01});
  double error[2] = {}, variance[2] = {};
  for (std::size_t i = 0; i < 200; ++i) {
    const auto answer = machine(std::span(new_x).subspan(3 * i, 3));
    for (std::size_t o = 0; o < 2; ++o) {
      error[o] += std::pow(answer[o] - new_y[2 * i + o], 2);
      variance[o] += std::pow(new_y[2 * i + o] - machine.bias[o], 2);
    }
  }
  EXPECT_LT(error[0], 0.1 * variance[0]);
  EXPECT_LT(error[1], 0.2 * variance[1]);
}

TEST(KernelMachine, GivesTheMeanOfWhatItLearnedForWhatIsUnlikeAllOfIt) {
  Random random(5);
  std::vector<float> x, y;
  plant(random, 100, x, y);
  const KernelMachine machine = fit_kernel_machine(3, x, y, {}, {.gamma = 5, .ridge = 0.01});
  const auto far = machine(std::array{1e9f, -1e9f, 1e9f});
  EXPECT_NEAR(far[0], machine.bias[0], 0.05);
  EXPECT_NEAR(far[1], 3, 0.5);
}

TEST(KernelMachine, CountsAnExampleOfTwiceTheImportanceAsTwoOfThem) {
  const std::vector<float> once{0, 1, 2}, y{0, 1, 5}, twice{0, 1, 2, 2}, y_twice{0, 1, 5, 5};
  // Standardization differs between the two sets; a mean and a deviation that are the same are given by more examples.
  const KernelMachine a = fit_kernel_machine(1, once, y, std::array{1.0, 1.0, 2.0}, {.gamma = 1, .ridge = 0.1});
  const KernelMachine b = fit_kernel_machine(1, twice, y_twice, {}, {.gamma = 1, .ridge = 0.1});
  EXPECT_NEAR(a.bias[0], b.bias[0], 1e-6);
  EXPECT_GT(a(std::array{2.0f})[0],
            fit_kernel_machine(1, once, y, {}, {.gamma = 1, .ridge = 0.1})(std::array{2.0f})[0]);
}

TEST(KernelMachine, AnswersTheSameWhenReadAgain) {
  Random random(6);
  std::vector<float> x, y;
  plant(random, 50, x, y);
  const KernelMachine machine =
      fit_kernel_machine(3, x, y, {}, {.gamma = 0.3, .ridge = 0.1, .parts = {2, 1}, .shares = {3, 1}});
  Safetensors file;
  machine.put(file, "m");
  const KernelMachine again = KernelMachine::from(read_safetensors(write_safetensors(file)), "m");
  EXPECT_EQ(again.parts, machine.parts);
  EXPECT_EQ(again(std::array{0.3f, -1.0f, 0.5f}), machine(std::array{0.3f, -1.0f, 0.5f}));
}

TEST(KernelMachine, OneMissingNumberDoesNotSpoilTheOthersOfItsKind) {
  Random random(8);
  std::vector<float> x, y;
  plant(random, 50, x, y);
  x[0] = NAN;
  const KernelMachine machine = fit_kernel_machine(3, x, y, {}, {});
  EXPECT_NEAR(machine.mean[0], 0, 0.5);
  EXPECT_GT(machine.deviation[0], 0.5f);
  Safetensors file;
  machine.put(file, "m");
  EXPECT_EQ(KernelMachine::from(file, "m").mean, machine.mean);
}

TEST(KernelMachine, NamesTheTensorThatIsBroken) {
  Random random(7);
  std::vector<float> x, y;
  plant(random, 20, x, y);
  Safetensors good;
  fit_kernel_machine(3, x, y, {}, {}).put(good, "m");
  const auto failure = [&](const char* name, std::vector<std::int64_t> shape, std::vector<float> values) {
    Safetensors file = good;
    file.put(name, std::move(shape), values);
    try {
      KernelMachine::from(file, "m");
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), Category::bad_input);
      return std::string(error.what());
    }
    ADD_FAILURE() << name;
    return std::string();
  };
  EXPECT_NE(failure("m.deviation", {3}, {1, 0, 1}).find("m.deviation"), std::string::npos);
  EXPECT_NE(failure("m.parts", {1}, {2}).find("m.parts"), std::string::npos);
  EXPECT_NE(failure("m.mean", {3}, {0, NAN, 0}).find("m.mean"), std::string::npos);
  EXPECT_NE(failure("m.bias", {1}, {0}).find("m.weight"), std::string::npos);
}

}  // namespace
}  // namespace euterpe
