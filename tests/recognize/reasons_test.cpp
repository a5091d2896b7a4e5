#include "recognize/reasons.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "recognize/reasons_words.hpp"
#include "score/descriptors.hpp"
#include "score/drum_descriptors.hpp"
#include "score/emotion_descriptors.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace {

/// Two classes that differ in brightness and tempo; the model weighs brightness more and something unspeakable a
/// little.
DescriptorEvidence bright_piece() {
  DescriptorEvidence evidence;
  evidence.names = {"centroid_mean", "tempo_octaves", "mfcc7_deviation"};
  evidence.views = {{4.8F, 0.1F, 3.0F}, {5.0F, 0.1F, 3.0F}};
  evidence.labels = {"classical", "rock"};
  evidence.class_mean = {3.0F, 0.0F, 2.0F, 4.7F, 0.4F, 2.0F};
  evidence.class_deviation = {0.5F, 0.2F, 1.0F, 0.5F, 0.2F, 1.0F};
  evidence.answer = [](const std::vector<std::vector<float>>& views) {
    double odds = 0;
    for (const auto& v : views)
      odds += (2.0 * (static_cast<double>(v[0]) - 4.0) + (static_cast<double>(v[1]) - 0.2) +
               0.1 * (static_cast<double>(v[2]) - 2.0)) /
              static_cast<double>(views.size());
    const double p = 1 / (1 + std::exp(-odds));
    return std::vector<double>{1 - p, p};
  };
  return evidence;
}

TEST(Reasons, TheFamilyThatMovesTheAnswerStandsFirstInWordsWithFigures) {
  const auto found = reasons(bright_piece());
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].family, "brightness");
  EXPECT_EQ(found[0].descriptor, "centroid_mean");
  EXPECT_NEAR(found[0].value, 100 * std::exp2(4.9), 1);
  EXPECT_EQ(found[0].sentence,
            "brighter than most classical (spectral centroid 2,986 Hz; rock 2,599, classical 800 ± 283)");
}

TEST(Reasons, WeightsAddUpToWhatTheAnswerGainsOverTheRunnersUpMeans) {
  const auto found = reasons(bright_piece());
  const double sum = std::accumulate(found.begin(), found.end(), 0.0,
                                     [](double s, const DescriptorReason& r) { return s + r.weight; });
  EXPECT_NEAR(sum, 2.0 * (4.9 - 3.0) + 0.1 + 0.1 * 1.0, 1e-5);
  EXPECT_NEAR(found[0].weight, 2.0 * (4.9 - 3.0), 1e-5);
}

TEST(Reasons, WhatSpeaksAgainstTheAnswerIsSaidSo) {
  DescriptorEvidence evidence = bright_piece();
  for (auto& view : evidence.views) view[1] = -1.0F;  // slower than even the runner-up
  const auto found = reasons(evidence);
  EXPECT_EQ(found.back().family, "pulse and tempo");
  EXPECT_LT(found.back().weight, 0);
  EXPECT_EQ(found.back().sentence, "against it: slower than most rock (tempo 60 bpm; rock 158, classical 120 ± 17)");
}

TEST(Reasons, OfAnotherAnswerThanTheMostProbableAreTurnedRound) {
  const auto found = reasons(bright_piece(), {.label = 0});  // classical, which it is not
  EXPECT_EQ(found.back().family, "brightness");
  EXPECT_LT(found.back().weight, 0);
  EXPECT_TRUE(found.back().sentence.starts_with("against it: brighter than most classical")) << found.back().sentence;
}

TEST(Reasons, AModelThatDoesNotSayWhatIsUsualIsRefused) {
  DescriptorEvidence evidence = bright_piece();
  evidence.class_mean.clear();
  EXPECT_THROW(reasons(evidence), Error);
}

TEST(Reasons, OfAnAnswerThatCannotBeMovedAreFinite) {
  DescriptorEvidence evidence = bright_piece();
  evidence.class_deviation.assign(6, 0.0F);
  evidence.answer = [](const auto&) { return std::vector<double>{0, 1}; };
  for (const DescriptorReason& reason : reasons(evidence)) {
    EXPECT_EQ(reason.weight, 0);
    EXPECT_FALSE(reason.sentence.empty());
  }
}

TEST(DescriptorWords, EveryDescriptorOfRecordingsAndScoresHasAFamilyAndMostHaveWords) {
  for (const auto& names :
       {audio_feature_names(), score_feature_names(), emotion_feature_names(), drum_feature_names()}) {
    std::size_t spoken = 0;
    std::set<std::string> said;
    for (const std::string& name : names) {
      const DescriptorWords words = descriptor_words(name);
      EXPECT_NE(words.family, "other figures") << name;
      EXPECT_EQ(words.more.empty(), words.less.empty()) << name;
      EXPECT_NE(words.more.empty() ? "x" : words.more, words.less) << name;
      spoken += !words.more.empty();
    }
    EXPECT_GT(spoken * 2, names.size());
  }
}

TEST(DescriptorWords, FiguresAreInAMusiciansUnits) {
  const DescriptorWords centroid = descriptor_words("centroid_mean");
  EXPECT_EQ(centroid.with_unit(centroid.in_unit(5)), "spectral centroid 3,200 Hz");
  const DescriptorWords tempo = descriptor_words("tempo_octaves");
  EXPECT_NEAR(tempo.in_unit(-1), 60, 1e-9);
  const DescriptorWords degree = descriptor_words("pitch.degree.7");
  EXPECT_EQ(degree.more, "richer in the fifth");
  EXPECT_EQ(degree.with_unit(degree.in_unit(0.25)), "25 % of the sound");
  EXPECT_EQ(descriptor_words("top.interval.7").more, "richer in steps of a fourth down in its melody");
  EXPECT_EQ(descriptor_words("modulation_band0_octave4").more, "livelier in the deepest bass at 2.7–5.4 Hz");
  EXPECT_EQ(descriptor_words("level_median").number(-23.25), "−23.2");
  EXPECT_EQ(descriptor_words("some_new_figure").more, "higher in some new figure");
}

}  // namespace
}  // namespace euterpe
