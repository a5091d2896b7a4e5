#include "protect/identify.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "base/files.hpp"
#include "base/random.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {

constexpr int kTracks = 8;
constexpr double kSeconds = 25;

const std::vector<float>& track(int i) {
  static const std::vector<std::vector<float>> all = [] {
    std::vector<std::vector<float>> made;
    for (int n = 0; n < kTracks; ++n) made.push_back(test::music(100 + static_cast<std::uint64_t>(n), kSeconds));
    return made;
  }();
  return all[static_cast<std::size_t>(i)];
}

std::string id_of(int i) { return sha256("track " + std::to_string(i)); }

const LandmarkIndex& index() {
  static const LandmarkIndex built = [] {
    LandmarkIndexBuilder builder;
    for (int i = 0; i < kTracks; ++i) builder.add(id_of(i), constellation(track(i)));
    return LandmarkIndex(builder.finish());
  }();
  return built;
}

/// Of the n-th candidate; far below any threshold if there is none.
double score(const std::vector<Match>& matches, std::size_t n = 0) {
  return n < matches.size() ? matches[n].score : -99;
}

/// A chorale for a choir: four voices hold triads of one key, all change together at 80 beats a minute. Every note
/// sounds as it does in any other chorale, as a synthesizer's would.
std::vector<float> chorale(std::uint64_t seed, double seconds) {
  constexpr double kBeat = 0.75, kHighest = 4300;
  constexpr std::array kScale{0, 2, 4, 5, 7, 9, 11};
  constexpr std::array kRoots{0, 3, 4, 5, 1};
  Random random(seed);
  std::vector<float> out(static_cast<std::size_t>(seconds * kLandmarkRate), 0.F);
  for (double at = 0; at < seconds; at += kBeat) {
    const auto begin = static_cast<std::size_t>(at * kLandmarkRate);
    const auto end = std::min(out.size(), begin + static_cast<std::size_t>(kBeat * kLandmarkRate));
    const auto root = static_cast<std::size_t>(kRoots[random.below(kRoots.size())]);
    for (int voice = 0; voice < 4; ++voice) {
      const int degree = kScale[(root + 2 * random.below(3)) % kScale.size()];
      const int octave = voice / 2 + static_cast<int>(random.below(2));
      const double pitch = 130.81 * std::pow(2, degree / 12.0 + octave);
      for (int partial = 1; partial <= 8 && pitch * partial < kHighest; ++partial) {
        const double w = 2 * std::numbers::pi * pitch * partial / kLandmarkRate;
        for (std::size_t i = begin; i < end; ++i) {
          const double t = static_cast<double>(i - begin) / kLandmarkRate;
          const double vibrato = 1 + 0.3 * std::sin(2 * std::numbers::pi * 5 * t + partial);
          out[i] += static_cast<float>(0.06 / partial * std::min(1.0, t / 0.05) * vibrato *
                                       std::sin(w * static_cast<double>(i - begin)));
        }
      }
    }
  }
  return out;
}

void expect_found(std::span<const float> query, int i, double offset) {
  const auto matches = identify(index(), query);
  ASSERT_FALSE(matches.empty());
  EXPECT_EQ(matches[0].id, id_of(i));
  EXPECT_GE(matches[0].score, kIdentifyThreshold);
  EXPECT_NEAR(matches[0].offset - matches[0].begin, offset, 0.05);
  EXPECT_GT(matches[0].matched, matches[0].expected);
  EXPECT_LT(score(matches, 1), kIdentifyThreshold);
}

TEST(Identify, AnExcerptIsFoundAtItsPlace) {
  for (int i = 0; i < kTracks; ++i) expect_found(test::excerpt(track(i), 1.237 + i, 10), i, 1.237 + i);
}

TEST(Identify, FiveSecondsAreEnough) { expect_found(test::excerpt(track(3), 17.77, 5), 3, 17.77); }

TEST(Identify, TheWholeTrackIsFoundAtItsBeginning) { expect_found(track(2), 2, 0); }

TEST(Identify, NoiseAsStrongAsTheMusicDoesNotHideIt) {
  expect_found(test::with_noise(test::excerpt(track(4), 9.331, 10), 10, 1), 4, 9.331);
  expect_found(test::with_noise(test::excerpt(track(5), 6.5, 10), 0, 2), 5, 6.5);
}

TEST(Identify, AnMp3Of32KilobitsIsFound) {
  const auto path = std::filesystem::temp_directory_path() / ("identify-" + std::to_string(::getpid()) + ".mp3");
  encode(path, AudioBuffer{kLandmarkRate, 1, test::excerpt(track(6), 3.9, 10)}, {.bitrate = 32000});
  const auto heard = decode(path).samples;
  std::filesystem::remove(path);
  expect_found(heard, 6, 3.9);
}

TEST(Identify, LoudnessDoesNotMatter) {
  auto quiet = test::excerpt(track(1), 5, 8);
  for (float& v : quiet) v *= 0.01F;
  expect_found(quiet, 1, 5);
}

TEST(Identify, StrangersAreRefused) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto matches = identify(index(), test::music(9000 + seed, 10));
    EXPECT_LT(score(matches), kIdentifyThreshold) << "seed " << seed;
  }
}

TEST(Identify, HeldChordsOfTheSameKeyAndBeatAreNoMatch) {
  LandmarkIndexBuilder builder;
  for (int n = 0; n < 6; ++n) builder.add(id_of(n), constellation(chorale(static_cast<std::uint64_t>(n), 45)));
  const LandmarkIndex chorales(builder.finish());
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto heard = test::excerpt(chorale(5000 + seed, 13), 0.25 * static_cast<double>(seed % 8), 10);
    EXPECT_LT(score(identify(chorales, heard)), kIdentifyThreshold) << "seed " << seed;
  }
  for (int n = 0; n < 2; ++n) {
    const auto matches = identify(chorales, test::excerpt(chorale(static_cast<std::uint64_t>(n), 45), 7.3, 10));
    ASSERT_FALSE(matches.empty());
    EXPECT_EQ(matches[0].id, id_of(n));
    EXPECT_GE(matches[0].score, kIdentifyThreshold);
  }
}

TEST(Identify, ALongStrangerIsRefusedAsAShortOneIs) {
  const auto matches = identify(index(), test::music(77, 90));
  EXPECT_LT(score(matches), kIdentifyThreshold);
}

TEST(Identify, SilenceAndNoiseMatchNothing) {
  EXPECT_TRUE(identify(index(), std::vector<float>(10 * kLandmarkRate, 0.F)).empty());
  const auto matches = identify(index(), test::with_noise(std::vector<float>(10 * kLandmarkRate, 1e-6F), -80, 3));
  EXPECT_LT(score(matches), kIdentifyThreshold);
}

TEST(Identify, TooShortAQueryMatchesNothing) {
  EXPECT_TRUE(identify(index(), test::excerpt(track(0), 2, 0.5)).empty());
  EXPECT_TRUE(identify(index(), {}).empty());
}

TEST(Identify, AnEmptyIndexMatchesNothing) {
  const LandmarkIndex empty(LandmarkIndexBuilder().finish());
  EXPECT_EQ(empty.tracks(), 0U);
  EXPECT_TRUE(identify(empty, test::excerpt(track(0), 2, 10)).empty());
}

TEST(Identify, APassageAmongOtherMusicIsFoundWhereItIs) {
  auto mix = test::music(555, 20);
  const auto part = test::excerpt(track(7), 4, 15);
  mix.insert(mix.end(), part.begin(), part.end());
  const auto after = test::music(556, 20);
  mix.insert(mix.end(), after.begin(), after.end());
  const auto matches = identify(index(), mix);
  ASSERT_FALSE(matches.empty());
  EXPECT_EQ(matches[0].id, id_of(7));
  EXPECT_GE(matches[0].score, kIdentifyThreshold);
  EXPECT_NEAR(matches[0].offset - matches[0].begin, 4.0 - 20.0, 0.05);
  EXPECT_LT(matches[0].begin, 35);
  EXPECT_GT(matches[0].end, 20);
}

TEST(Identify, AQueryThatBeginsBeforeItsTrackIsFoundThere) {
  auto early = std::vector<float>(3 * kLandmarkRate, 0.F);
  const auto start = test::excerpt(track(0), 0, 7);
  early.insert(early.end(), start.begin(), start.end());
  expect_found(early, 0, -3);
}

}  // namespace
}  // namespace euterpe
