#include "recognize/unknown_instruments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace euterpe {
namespace {

TEST(OtherPrograms, LeaveOutTheFamiliesThatLabelsName) {
  const auto others = other_programs({"Cello", "Acoustic_guitar", "Flute"});
  const auto there = [&](int program) { return std::ranges::count(others, program) > 0; };
  EXPECT_TRUE(there(0) && there(19) && there(56) && there(80));    // piano, organ, trumpet, synthesizer
  EXPECT_FALSE(there(40) || there(48) || there(24) || there(71));  // strings, guitars, winds
  EXPECT_TRUE(other_programs({"hum", "hiss", "Cello"}).empty());   // what the others are, nobody knows
}

TEST(MixedClips, SoundAllTheirLabelsAtOnceAndAreTheSameForASeed) {
  std::vector<AudioBuffer> clips;
  for (int i = 0; i < 3; ++i) {
    AudioBuffer& clip = clips.emplace_back(AudioBuffer{22050, 1, std::vector<float>(11025)});
    for (std::size_t t = 0; t < clip.samples.size(); ++t)
      clip.samples[t] = std::sin(0.05f * static_cast<float>(i + 1) * static_cast<float>(t));
  }
  const AudioBuffer mixture = mixed_clips(clips, {0, 1, 2}, 5);
  EXPECT_GE(mixture.duration().value, 2);
  EXPECT_LE(mixture.duration().value, 8);
  EXPECT_EQ(mixture.samples, mixed_clips(clips, {0, 1, 2}, 5).samples);
  EXPECT_NE(mixture.samples, mixed_clips(clips, {0, 1, 2}, 6).samples);
  for (int i = 0; i < 3; ++i) {  // each tone is in it: far more than the tone between two of them
    const auto power = [&](float frequency) {
      double re = 0, im = 0;
      for (std::size_t t = 0; t < mixture.samples.size(); ++t) {
        re += mixture.samples[t] * std::cos(frequency * static_cast<float>(t));
        im += mixture.samples[t] * std::sin(frequency * static_cast<float>(t));
      }
      return re * re + im * im;
    };
    EXPECT_GT(power(0.05f * static_cast<float>(i + 1)), 10 * power(0.05f * static_cast<float>(i + 1) + 0.023f)) << i;
  }
}

}  // namespace
}  // namespace euterpe
