#include "recognize/unknown.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kFeatures = 12;
using Place = std::function<std::vector<float>(Random&)>;

/// Correlated: neighbors share most of what they are.
std::vector<float> known_place(Random& random) {
  std::vector<float> x(kFeatures);
  double common = random.normal();
  for (float& v : x) {
    common = 0.8 * common + 0.6 * random.normal();
    v = static_cast<float>(100 + 5 * common);
  }
  return x;
}

/// As far from the mean as the known ones, feature by feature, but neighbors go against each other.
std::vector<float> against_the_grain(Random& random) {
  std::vector<float> x(kFeatures);
  for (std::size_t i = 0; i < kFeatures; ++i)
    x[i] = static_cast<float>(100 + (i % 2 ? 5 : -5) * (1 + 0.2 * random.normal()));
  return x;
}

std::vector<float> shifted_place(Random& random) {
  auto x = known_place(random);
  x[3] += 12, x[4] += 12, x[5] += 12;
  return x;
}

/// Items of three views each, in groups of four items.
Examples draw(const Place& place, int items, std::uint64_t seed) {
  Examples examples;
  Random random(seed);
  for (int item = 0; item < items; ++item) {
    const auto center = place(random);
    for (int view = 0; view < 3; ++view) {
      auto x = center;
      for (float& v : x) v += static_cast<float>(0.5 * random.normal());
      examples.add(x, 0, "artist " + std::to_string(item / 4), item);
    }
  }
  return examples;
}

std::vector<double> said(const UnknownDetector& detector, const Examples& examples) {
  std::vector<double> values;
  for (std::size_t i = 0; i < examples.size(); i += 3) {
    std::vector<std::vector<float>> views;
    for (std::size_t k = i; k < i + 3; ++k) views.emplace_back(examples.row(k).begin(), examples.row(k).end());
    values.push_back(detector.unknown(views));
  }
  return values;
}

double share_unknown(const std::vector<double>& values) {
  return static_cast<double>(std::ranges::count_if(values, [](double v) { return v >= 0.5; })) /
         static_cast<double>(values.size());
}

/// Fitted once for the tests that only look at it.
const UnknownDetector& taught_detector() {
  static const auto detector =
      UnknownDetector::fit(draw(known_place, 120, 1), draw(shifted_place, 60, 2), {.folds = 2});
  return detector;
}

TEST(Unknown, AsManyUnseenKnownItemsAreRefusedAsWereAllowed) {
  const auto detector = UnknownDetector::fit(draw(known_place, 400, 1), {}, {.false_unknown = 0.05});
  EXPECT_NEAR(share_unknown(said(detector, draw(known_place, 800, 2))), 0.05, 0.03);
}

TEST(Unknown, WhatGoesAgainstAllThatIsKnownIsUnknownWithoutAnExampleOfIt) {
  const auto detector = UnknownDetector::fit(draw(known_place, 200, 1), {});
  EXPECT_EQ(share_unknown(said(detector, draw(against_the_grain, 50, 2))), 1);
}

TEST(Unknown, ExamplesOfWhatIsNotKnownHelpToTellItAndLeaveTheStrangeUnknown) {
  const auto alone = UnknownDetector::fit(draw(known_place, 120, 1), {});
  const UnknownDetector& taught = taught_detector();
  const Examples test = draw(shifted_place, 100, 3);
  EXPECT_GT(share_unknown(said(taught, test)), share_unknown(said(alone, test)));
  EXPECT_GT(share_unknown(said(taught, test)), 0.8);
  EXPECT_GT(share_unknown(said(taught, draw(against_the_grain, 50, 4))), 0.9);
  EXPECT_LT(share_unknown(said(taught, draw(known_place, 200, 5))), 0.1);
}

TEST(Unknown, TwoArtistsAndAFewExamplesOfTheOtherSuffice) {
  const auto detector = UnknownDetector::fit(draw(known_place, 8, 1), draw(against_the_grain, 2, 2));
  EXPECT_EQ(share_unknown(said(detector, draw(against_the_grain, 20, 3))), 1);
}

TEST(Unknown, VariantsAreLearnedFromButDoNotMoveTheThreshold) {
  Examples known = draw(known_place, 200, 1);
  const auto strict = UnknownDetector::fit(known, {});
  const Examples strange = draw(against_the_grain, 40, 6);
  for (std::size_t i = 0; i < strange.size(); ++i)
    known.add(strange.row(i), -1, "artist " + std::to_string(i % 50), 1000 + strange.items[i]);
  const auto wide = UnknownDetector::fit(known, {});
  const auto before = said(strict, draw(against_the_grain, 20, 7)), after = said(wide, draw(against_the_grain, 20, 7));
  EXPECT_LT(share_unknown(after), share_unknown(before));
  EXPECT_NEAR(share_unknown(said(wide, draw(known_place, 400, 8))), 0.025, 0.025);
}

TEST(Unknown, IsTheSameWhateverTheNumberOfThreads) {
  const Examples known = draw(known_place, 24, 1), other = draw(shifted_place, 24, 2);
  const int before = threads();
  set_threads(1);
  Safetensors one, four;
  UnknownDetector::fit(known, other, {.folds = 2, .seed = 5}).put(one);
  set_threads(4);
  UnknownDetector::fit(known, other, {.folds = 2, .seed = 5}).put(four);
  set_threads(before);
  EXPECT_EQ(write_safetensors(one), write_safetensors(four));
}

TEST(Unknown, ComesBackFromAFileBesideOtherTensors) {
  const UnknownDetector& detector = taught_detector();
  Safetensors file;
  file.put("member.0.mean", {1}, std::vector<float>{7});  // of the recognizer that it guards
  detector.put(file);
  const auto back = UnknownDetector::from(read_safetensors(write_safetensors(file)));
  EXPECT_EQ(back.inputs(), kFeatures);
  for (const Place& place : {Place(known_place), Place(shifted_place), Place(against_the_grain)}) {
    const auto a = said(detector, draw(place, 20, 3)), b = said(back, draw(place, 20, 3));
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.05);  // weights are kept in 16 bits
  }
}

TEST(Unknown, WithoutADetectorNothingIsUnknown) {
  const auto none = UnknownDetector::from(Safetensors{});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.unknown(std::vector<float>{1, 2, 3}), 0);
  Safetensors file;
  none.put(file);
  EXPECT_TRUE(file.tensors.empty());
}

TEST(Unknown, DamagedWeightsAreNamed) {
  Safetensors file;
  taught_detector().put(file);
  const auto refuses = [](Safetensors damaged, const std::string& word) {
    try {
      UnknownDetector::from(damaged);
      FAIL() << "no error about " << word;
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), Category::bad_input);
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  Safetensors short_one = file, no_number = file, no_scale = file, lost = file;
  short_one.put("unknown.whitening", {4}, std::vector<float>(4, 1.0f));
  refuses(short_one, "unknown.whitening");
  no_number.put("unknown.mean", {kFeatures}, std::vector<float>(kFeatures, std::nanf("")));
  refuses(no_number, "unknown.mean");
  no_scale.put("unknown.scales", {3, 2}, std::vector<float>(6, 1.0f));
  refuses(no_scale, "unknown.");
  lost.tensors.erase("unknown.deviation");
  refuses(lost, "unknown.deviation");
}

TEST(Unknown, EveryVectorOfNumbersHasAnAnswer) {
  const UnknownDetector& detector = taught_detector();
  for (const float v : {0.0f, 1e30f, -1e30f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const double u = detector.unknown(std::vector<float>(kFeatures, v));
    EXPECT_GE(u, 0);
    EXPECT_LE(u, 1);
  }
}

TEST(Unknown, OneArtistAloneIsTooFewToKnowWhatOthersAreLike) {
  EXPECT_THROW(UnknownDetector::fit(draw(known_place, 3, 1), {}), Error);
}

}  // namespace
}  // namespace euterpe
