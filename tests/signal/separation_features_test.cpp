#include "signal/separation_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace euterpe {
namespace {

constexpr std::size_t kShares = 16, kFrames = 200;

/// A tone in every fourth band, or a hit in every tenth frame.
Matrix music(bool tones, bool hits) {
  Matrix mel(128, kFrames, 0.023);
  for (std::size_t m = 0; m < 128; ++m)
    for (std::size_t t = 0; t < kFrames; ++t)
      mel.at(m, t) = 1e-6f + (tones && m % 4 == 1 ? 1.0f : 0.0f) + (hits && t % 10 == 5 ? 1.0f : 0.0f);
  return mel;
}

TEST(SeparationFeatures, TellTonesFromHitsInEveryBand) {
  const auto tones = separation_features(music(true, false)), hits = separation_features(music(false, true));
  ASSERT_EQ(tones.size(), kSeparationFeatures);
  for (std::size_t b = 2 * kShares; b < 2 * kShares + 8; ++b) {  // of the power
    EXPECT_GT(tones[b], 0.99f) << b;
    EXPECT_LT(hits[b], 0.01f) << b;
  }
  // Levels of 24 bands: medians and 95th percentiles of what strikes, then three percentiles of what rings.
  const auto both = separation_features(music(true, true));
  for (std::size_t b = 0; b < 24; ++b) {
    const float median = both[40 + b], loud = both[64 + b], rings = both[112 + b];
    EXPECT_GT(loud, median + 20) << b;   // hits stand out of what strikes
    EXPECT_GT(rings, median + 20) << b;  // tones are always there
  }
}

TEST(SeparationFeatures, AreTheSameForALouderCopy) {
  Matrix mel = music(true, true);
  const auto quiet = separation_features(mel);
  for (float& v : mel.data) v *= 100;
  const auto loud = separation_features(mel);
  for (std::size_t i = 0; i < quiet.size(); ++i) EXPECT_NEAR(quiet[i], loud[i], 1e-3) << i;
}

TEST(SeparationFeatures, AreFiniteForSilenceAndForNothing) {
  for (const std::size_t frames : {0u, 1u, 3u, 40u}) {
    const auto features = separation_features(Matrix(128, frames, 0.023));
    ASSERT_EQ(features.size(), kSeparationFeatures);
    EXPECT_TRUE(std::ranges::all_of(features, [](float v) { return std::isfinite(v); })) << frames;
  }
}

}  // namespace
}  // namespace euterpe
