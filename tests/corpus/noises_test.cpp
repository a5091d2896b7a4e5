#include "corpus/noises.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace euterpe {
namespace {

// The halves are part of what published numbers mean: they must never move.
TEST(Noises, TheHalfForTrainingIsTheSameForEver) {
  std::string training;
  for (int i = 1; i <= 10; ++i) training += noise_is_for_training(fmt::format("n{}.wav", i)) ? '1' : '0';
  EXPECT_EQ(training, "1101001011");
}

TEST(Noises, AHundredNamesFallIntoHalvesOfNearlyTheSameSize) {
  int training = 0;
  for (int i = 1; i <= 100; ++i) training += noise_is_for_training(fmt::format("n{}.wav", i));
  EXPECT_NEAR(training, 50, 10);
}

}  // namespace
}  // namespace euterpe
