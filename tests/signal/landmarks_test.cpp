#include "signal/landmarks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {

TEST(Landmarks, ABurstOfSoundBecomesAPeakAtItsTimeAndFrequency) {
  std::vector<float> x(3 * kLandmarkRate, 0.F);
  const double hertz = 1000, middle = 1.5, width = 0.03;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i) / kLandmarkRate - middle;
    x[i] =
        static_cast<float>(0.5 * std::exp(-t * t / (2 * width * width)) * std::sin(2 * std::numbers::pi * hertz * t));
  }
  const Constellation c = constellation(x);
  const auto loudest = std::find_if(c.peaks.begin(), c.peaks.end(), [&](const Peak& p) {
    return std::abs((p.bin + kLandmarkFirstBin) * double{kLandmarkRate} / kLandmarkWindow - hertz) < 6;
  });
  ASSERT_NE(loudest, c.peaks.end());
  EXPECT_NEAR(loudest->frame * kLandmarkFrame + 0.5 * kLandmarkWindow / kLandmarkRate, middle, kLandmarkFrame);
}

TEST(Landmarks, PiecesOfAnyLengthGiveWhatTheWholeGives) {
  const auto x = test::music(1, 12);
  const Constellation whole = constellation(x);
  ASSERT_GT(whole.peaks.size(), 100U);
  Random random(5);
  PeakPicker picker(kTrackPeaks);
  for (std::size_t at = 0; at < x.size();) {
    const std::size_t n = std::min<std::size_t>(x.size() - at, random.below(9000));
    picker.push(std::span(x).subspan(at, n));
    at += n;
  }
  const Constellation pieces = picker.finish();
  EXPECT_EQ(pieces.frames, whole.frames);
  EXPECT_EQ(pieces.peaks, whole.peaks);
}

TEST(Landmarks, AnExcerptHasThePeaksOfTheWhole) {
  const auto x = test::music(2, 20);
  const Constellation whole = constellation(x);
  constexpr std::uint32_t kBegin = 200, kFrames = 400, kMargin = 50;
  const Constellation part = constellation(std::span(x).subspan(kBegin * kLandmarkHop, kFrames * kLandmarkHop));
  std::vector<Peak> expected, found;
  for (const Peak& p : whole.peaks)
    if (p.frame >= kBegin + kMargin && p.frame < kBegin + kFrames - kMargin)
      expected.push_back({p.frame - kBegin, p.bin});
  for (const Peak& p : part.peaks)
    if (p.frame >= kMargin && p.frame < kFrames - kMargin) found.push_back(p);
  ASSERT_GT(expected.size(), 50U);
  EXPECT_EQ(found, expected);
}

TEST(Landmarks, SilenceAndNoNumbersHaveNoPeaks) {
  EXPECT_TRUE(constellation(std::vector<float>(5 * kLandmarkRate, 0.F)).peaks.empty());
  EXPECT_TRUE(constellation(std::vector<float>(kLandmarkRate, std::numeric_limits<float>::quiet_NaN())).peaks.empty());
  EXPECT_EQ(constellation(std::vector<float>(100, 0.5F)).frames, 0U);
}

TEST(Landmarks, DensityStaysAtWhatWasAskedFor) {
  const auto x = test::with_noise(test::music(3, 30), 10, 1);
  const double per_second = static_cast<double>(constellation(x, kTrackPeaks).peaks.size()) / 30;
  EXPECT_LT(per_second, 1.15 * kTrackPeaks.per_second);
  EXPECT_GT(per_second, 0.5 * kTrackPeaks.per_second);
}

TEST(Landmarks, PairsHoldBothPeaks) {
  const Constellation c{300, {{10, 100}, {10, 140}, {15, 120}, {40, 300}, {200, 100}}};
  const auto pairs = landmarks(c, 3);
  // 10/100 → 15/120; 10/140 → 15/120; 300 is more than 127 bins away and 200 more than 63 frames later.
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[0].frame, 10U);
  EXPECT_EQ(pairs[0].hash, (100U << 14) | ((20U + 128U) << 6) | 5U);
  EXPECT_EQ(pairs[1].hash, (140U << 14) | ((128U - 20U) << 6) | 5U);
  for (const Landmark& l : landmarks(constellation(test::music(4, 10)), 20)) EXPECT_LT(l.hash, 1U << kLandmarkHashBits);
}

TEST(Landmarks, BlobHoldsTheConstellation) {
  const Constellation c = constellation(test::music(5, 10));
  const auto blob = landmarks_blob(c);
  EXPECT_LT(blob.size(), 10 * 100U);
  const Constellation back = read_landmarks_blob(blob);
  EXPECT_EQ(back.frames, c.frames);
  EXPECT_EQ(back.peaks, c.peaks);
  EXPECT_EQ(landmarks_blob(test::music(5, 10)), blob);
  // Steps that need more than one byte.
  const Constellation sparse{3000000, {{0, 0}, {127, 1}, {255, 2}, {2999999, kLandmarkBins - 1}}};
  EXPECT_EQ(read_landmarks_blob(landmarks_blob(sparse)).peaks, sparse.peaks);
}

TEST(Landmarks, ADamagedBlobIsRefusedWhereverItIsCut) {
  const auto blob = landmarks_blob(test::music(6, 6));
  for (std::size_t n = 0; n < blob.size(); ++n)
    EXPECT_THROW(read_landmarks_blob(std::span(blob).first(n)), Error) << "cut at byte " << n;
  auto longer = blob;
  longer.push_back(0);
  EXPECT_THROW(read_landmarks_blob(longer), Error);
  auto lying = blob;
  lying[11] = 0x7F;  // two thousand million peaks
  EXPECT_THROW(read_landmarks_blob(lying), Error);
  auto newer = blob;
  newer[3] = '2';
  try {
    read_landmarks_blob(newer);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::newer_version);
  }
}

TEST(Landmarks, AChangedByteIsRefusedOrStillGivesPeaksInOrder) {
  const auto blob = landmarks_blob(test::music(7, 6));
  for (std::size_t i = 0; i < blob.size(); ++i) {
    auto changed = blob;
    changed[i] ^= 0x95;
    try {
      const Constellation c = read_landmarks_blob(changed);
      for (const Peak& p : c.peaks) ASSERT_TRUE(p.frame < c.frames && p.bin < kLandmarkBins);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace euterpe
