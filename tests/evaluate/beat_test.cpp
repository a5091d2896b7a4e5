#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "evaluate/beat_metrics.hpp"
#include "evaluate/task.hpp"

namespace euterpe {
namespace {

std::vector<double> steady(double first, double interval, int count) {
  std::vector<double> beats;
  for (int i = 0; i < count; ++i) beats.push_back(first + i * interval);
  return beats;
}

/// A passage that is right, one off the beat, one at half tempo and one that drifts; figures by mir_eval 0.7.
const std::vector<double> kEstimate{0.23,   0.73,  1.23,   1.73,   2.23,  2.73,   3.23,   3.73, 4.23,
                                    4.73,   5.23,  5.73,   6.45,   6.95,  7.45,   7.95,   8.45, 8.95,
                                    9.45,   9.95,  10.14,  11.14,  12.14, 13.14,  14.14,  15.2, 15.713,
                                    16.227, 16.74, 17.253, 17.767, 18.28, 18.793, 19.307, 19.82};

TEST(BeatMetrics, AgreeWithMirEval) {
  const auto reference = steady(0.2, 0.5, 40);
  EXPECT_NEAR(beat_f_measure(reference, kEstimate), 0.6133333, 1e-6);
  EXPECT_NEAR(beat_continuity(reference, kEstimate).cmlt, 0.45, 1e-6);
  EXPECT_NEAR(beat_continuity(reference, kEstimate).amlt, 0.45, 1e-6);
  EXPECT_NEAR(beat_f_measure(trim_beats(reference), trim_beats(kEstimate)), 0.4727273, 1e-6);
  EXPECT_NEAR(beat_continuity(trim_beats(reference), trim_beats(kEstimate)).cmlt, 0.2666667, 1e-6);
}

TEST(BeatMetrics, TwiceTheTempoIsHalfRightAndAnAllowedLevel) {
  const auto reference = steady(0.2, 0.5, 40), twice = steady(0.21, 0.25, 79);
  EXPECT_NEAR(beat_f_measure(reference, twice), 0.6722689, 1e-6);
  EXPECT_EQ(beat_continuity(reference, twice).cmlt, 0);
  EXPECT_EQ(beat_continuity(reference, twice).amlt, 1);
}

TEST(BeatMetrics, EachBeatIsPairedOnce) {
  EXPECT_NEAR(beat_f_measure({1.0}, {0.95, 1.0, 1.05}), 0.5, 1e-12);
  EXPECT_NEAR(beat_f_measure({1.0, 1.1}, {1.05, 1.15}), 1.0, 1e-12);
  EXPECT_EQ(beat_f_measure({1.0}, {1.0701}), 0);
}

TEST(BeatMetrics, NothingFoundIsNothingRight) {
  EXPECT_EQ(beat_f_measure({1, 2}, {}), 0);
  EXPECT_EQ(beat_f_measure({}, {1, 2}), 0);
  EXPECT_EQ(beat_continuity({1, 2}, {1}).amlt, 0);
}

TEST(EvaluateBeat, BeatsTheReferenceAlgorithmOnSongs) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) GTEST_SKIP() << "EUTERPE_DATA is not set: no songs with annotated beats";
  EvaluateOptions options;
  options.data = std::filesystem::path(data) / "pop909";
  options.split = "valid";
  options.limit = 2;
  options.extra["source"] = "score";
  const auto report = evaluate_beat(options);
  EXPECT_EQ(report["n"], 2);
  EXPECT_GT(report["f_measure"], 0.8);
  EXPECT_GE(report["f_measure"], report["baseline"]);
  EXPECT_GT(report["with_tempo_map"]["f_measure"], 0.8);
  EXPECT_FALSE(report.contains("audio"));
}

TEST(EvaluateBeat, RefusesAnUnknownSource) {
  const TemporaryFolder songs;
  const auto folder = songs / "001";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "001.mid") << "MThd";
  std::ofstream(folder / "beat_midi.txt") << "0.5 1.0 1.0\n";
  EvaluateOptions options;
  options.data = songs.path();
  options.split = "all";
  options.extra["source"] = "video";
  EXPECT_THROW(evaluate_beat(options), Error);
}

}  // namespace
}  // namespace euterpe
