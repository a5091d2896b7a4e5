#include "recognize/saliency_audio.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

/// White noise, with a tone of `hertz` between two moments.
AudioBuffer noise_with_tone(double seconds, double hertz, double begin, double end) {
  AudioBuffer audio{kRate, 1, {}};
  Random random(3);
  for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * kRate); ++i) {
    const double t = static_cast<double>(i) / kRate;
    const double tone = t >= begin && t < end ? 0.4 * std::sin(2 * std::numbers::pi * hertz * t) : 0;
    audio.samples.push_back(static_cast<float>(0.02 * random.normal() + tone));
  }
  return audio;
}

/// Hears one frequency alone within a stretch of time, and is surer the louder it is.
AudioAnswer listens_to(double hertz, double begin, double end) {
  return [=](const AudioBuffer& audio) {
    double re = 0, im = 0;
    const auto from = static_cast<std::size_t>(begin * kRate), to = static_cast<std::size_t>(end * kRate);
    for (std::size_t i = from; i < to; ++i) {
      const double angle = 2 * std::numbers::pi * hertz * static_cast<double>(i) / kRate;
      re += audio.samples[i] * std::cos(angle);
      im += audio.samples[i] * std::sin(angle);
    }
    const double loud = 2 * std::hypot(re, im) / static_cast<double>(to - from);
    const double p = 1 / (1 + std::exp(-(10 * loud - 1)));
    return std::vector<double>{1 - p, p};
  };
}

TEST(SaliencyAudio, FindsTheTileThatTheModelListensTo) {
  const AudioBuffer audio = noise_with_tone(6, 2700, 2, 3);
  const AudioSaliency found = explain_audio(audio, listens_to(2700, 2, 3));
  ASSERT_EQ(found.label, 1U);
  ASSERT_EQ(found.grid.segments, 12U);
  for (std::size_t k = 0; k < 2; ++k) {
    const std::size_t band = found.salient[k] / found.grid.segments, segment = found.salient[k] % found.grid.segments;
    EXPECT_LE(found.grid.edges[band], 2700);
    EXPECT_GE(found.grid.edges[band + 1], 2700);
    EXPECT_TRUE(segment == 4 || segment == 5) << segment;
  }
}

TEST(SaliencyAudio, TakingNothingAwayGivesTheRecordingBack) {
  const AudioBuffer audio = noise_with_tone(2, 440, 0, 2);
  const MaskableAudio maskable(audio);
  EXPECT_EQ(maskable.without(std::vector<std::uint8_t>(maskable.grid().cells(), 0)).samples, audio.samples);
}

TEST(SaliencyAudio, ATakenCellHasTheMeanLevelOfItsBandAndTheRestStays) {
  const AudioBuffer audio = noise_with_tone(4, 2700, 1, 2);
  const MaskableAudio maskable(audio);
  const TimeFrequencyGrid& grid = maskable.grid();
  std::vector<std::uint8_t> cells(grid.cells(), 0);
  for (std::size_t b = 0; b < grid.bands(); ++b)
    if (grid.edges[b] <= 2700 && grid.edges[b + 1] >= 2700)
      for (std::size_t s = 0; s < grid.segments; ++s) cells[b * grid.segments + s] = 1;
  const AudioBuffer masked = maskable.without(cells);
  ASSERT_EQ(masked.samples.size(), audio.samples.size());
  const auto level = [](const AudioBuffer& a, double from, double to) {
    double sum = 0;
    for (auto i = static_cast<std::size_t>(from * kRate); i < static_cast<std::size_t>(to * kRate); ++i)
      sum += static_cast<double>(a.samples[i]) * a.samples[i];
    return std::sqrt(sum / ((to - from) * kRate));
  };
  // The tone sounds for a quarter of the time: a quarter of its magnitude is the mean, and it sounds all the time now.
  EXPECT_NEAR(level(masked, 1.2, 1.8) / level(audio, 1.2, 1.8), 0.25, 0.1);
  EXPECT_GT(level(masked, 2.5, 3.5), 2 * level(audio, 2.5, 3.5));
}

TEST(SaliencyAudio, ShortAndSilentRecordingsHaveMapsOfFiniteWeights) {
  for (const double seconds : {0.01, 0.3, 1.0}) {
    const AudioBuffer audio = noise_with_tone(seconds, 440, 0, 9);
    const AudioSaliency found = explain_audio(audio, listens_to(440, 0, seconds * 0.9));
    EXPECT_EQ(found.grid.segments, seconds < 1 ? 1U : 2U);
    EXPECT_EQ(found.weights.size(), found.grid.cells());
    for (const double w : found.weights) EXPECT_TRUE(std::isfinite(w));
  }
  const AudioSaliency silent = explain_audio({kRate, 1, std::vector<float>(kRate, 0.0F)}, listens_to(440, 0, 0.9));
  for (const double w : silent.weights) EXPECT_EQ(w, 0);
  AudioBuffer broken = noise_with_tone(1, 440, 0, 1);
  broken.samples[100] = NAN;
  for (const double w : explain_audio(broken, listens_to(440, 0, 0.9)).weights) EXPECT_TRUE(std::isfinite(w));
}

TEST(SaliencyAudio, NoAudioIsAnError) { EXPECT_THROW(explain_audio({}, listens_to(440, 0, 1)), Error); }

TEST(SaliencyAudio, TheNumbersNameAnswerCellsAndTheirPlaces) {
  const AudioSaliency found = explain_audio(noise_with_tone(6, 2700, 2, 3), listens_to(2700, 2, 3));
  const std::vector<std::string> labels{"noise", "whistle"};
  const auto json = to_json(found, labels, 3);
  EXPECT_EQ(json["answer"], "whistle");
  EXPECT_EQ(json["runner_up"], "noise");
  ASSERT_EQ(json["cells"].size(), 3U);
  EXPECT_GE(json["cells"][0]["begin"], 2.0);
  EXPECT_LE(json["cells"][0]["end"], 3.0);
  EXPECT_GE(json["cells"][0]["weight"], json["cells"][1]["weight"]);
  EXPECT_EQ(json["weights"].size(), 16U);
  EXPECT_EQ(to_json(found, labels, 3, 60)["cells"][0]["begin"], json["cells"][0]["begin"].get<double>() + 60);
  EXPECT_EQ(json["weights"][0].size(), 12U);
}

}  // namespace
}  // namespace euterpe
