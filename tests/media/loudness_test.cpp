#include "media/loudness.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "samples.hpp"

namespace euterpe {
namespace {

// EBU Tech 3341, case 1 and 2: a stereo sine of 1 kHz at −23 and −33 dBFS peak reads −23 and −33 LUFS within 0.1.
TEST(Loudness, OfTheReferenceToneIsItsLevel) {
  for (const double level : {-23.0, -33.0}) {
    const Loudness measured = measure_loudness(test::sine(1000, 20, 48000, std::pow(10, level / 20), 2));
    EXPECT_NEAR(measured.integrated, level, 0.1);
    EXPECT_NEAR(measured.true_peak, level, 0.2);
    EXPECT_NEAR(measured.range, 0, 0.1);
  }
}

TEST(Loudness, RangeIsTheStepBetweenTwoLevels) {  // EBU Tech 3342, case 1
  AudioBuffer audio = test::sine(1000, 20, 48000, std::pow(10, -20.0 / 20), 1);
  const AudioBuffer softer = test::sine(1000, 20, 48000, std::pow(10, -30.0 / 20), 1);
  audio.samples.insert(audio.samples.end(), softer.samples.begin(), softer.samples.end());
  EXPECT_NEAR(measure_loudness(audio).range, 10, 1);
}

TEST(Loudness, NormalizingReachesTheTargetOrStopsBelowFullScale) {
  AudioBuffer soft = test::sine(1000, 5, 44100, 0.01, 2);
  normalize_loudness(soft, -16);
  EXPECT_NEAR(measure_loudness(soft).integrated, -16, 0.1);

  AudioBuffer clicks{44100, 1, std::vector<float>(44100 * 5, 0.0F)};  // soft on the whole, with high peaks
  for (std::size_t i = 0; i < clicks.samples.size(); i += 11025) clicks.samples[i] = 0.5F;
  normalize_loudness(clicks, -10);
  EXPECT_LE(measure_loudness(clicks).true_peak, -0.9);
}

TEST(Loudness, OfSilenceIsMinusInfinityAndStaysSilence) {
  AudioBuffer silence{44100, 2, std::vector<float>(44100 * 2, 0.0F)};
  EXPECT_EQ(measure_loudness(silence).integrated, -INFINITY);
  EXPECT_EQ(measure_loudness(silence).true_peak, -INFINITY);
  normalize_loudness(silence);
  for (const float sample : silence.samples) ASSERT_EQ(sample, 0.0F);
}

}  // namespace
}  // namespace euterpe
