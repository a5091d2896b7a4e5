#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "evaluate/annotated_songs.hpp"
#include "evaluate/chord_recall.hpp"

namespace euterpe {
namespace {

std::vector<ChordSegment> chords(std::initializer_list<std::pair<double, const char*>> ends_and_labels) {
  std::vector<ChordSegment> out;
  double start = 0;
  for (const auto& [end, label] : ends_and_labels) {
    out.push_back({start, end, parse_chord(label).value(), 1});
    start = end;
  }
  return out;
}

using Recall = std::pair<double, double>;

TEST(ChordRecall, is_the_share_of_seconds_with_the_same_triad) {
  const auto reference = chords({{2, "C:maj"}, {3, "A:min"}, {4, "N"}});
  EXPECT_EQ(chord_recall(reference, reference, ChordComparison::majmin), Recall(1, 4));
  const auto late = chords({{2.5, "C:maj7"}, {4, "A:min7/b7"}});
  EXPECT_EQ(chord_recall(reference, late, ChordComparison::majmin), Recall(2.5 / 4, 4));
  EXPECT_EQ(chord_recall(reference, late, ChordComparison::sevenths), Recall(0, 4));
}

TEST(ChordRecall, leaves_out_references_beyond_the_vocabulary_but_not_estimates) {
  const auto sus = chords({{3, "C:sus4"}, {4, "C:maj"}}), plain = chords({{4, "C:maj"}});
  EXPECT_EQ(chord_recall(sus, plain, ChordComparison::majmin), Recall(1, 1));
  EXPECT_EQ(chord_recall(plain, sus, ChordComparison::majmin), Recall(0.25, 4));
  EXPECT_EQ(chord_recall(sus, plain, ChordComparison::root), Recall(1, 4));
}

TEST(ChordRecall, takes_time_without_an_estimate_for_silence) {
  const auto reference = chords({{2, "N"}, {4, "G:7"}});
  EXPECT_EQ(chord_recall(reference, {}, ChordComparison::majmin), Recall(0.5, 4));
  EXPECT_EQ(chord_recall({}, reference, ChordComparison::majmin), Recall(0, 0));
}

TEST(WeightedMean, has_the_standard_error_of_a_mean_where_all_weigh_the_same) {
  const WeightedMean m = weighted_mean({{1, 2}, {3, 2}, {5, 2}});
  EXPECT_DOUBLE_EQ(m.mean, 3);
  EXPECT_NEAR(m.standard_error, 2 / std::sqrt(3.0), 1e-12);
  EXPECT_DOUBLE_EQ(weighted_mean({{1, 3}, {0, 1}}).mean, 0.75);
  EXPECT_EQ(weighted_mean({{1, 1}}).standard_error, 0);
  EXPECT_EQ(weighted_mean({{1, 0}}).mean, 0);
}

TEST(EvaluateChords, hears_more_of_pop909s_scores_than_plain_triads_do) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data || !std::filesystem::exists(std::filesystem::path(data) / "pop909")) GTEST_SKIP() << "no pop909";
  EvaluateOptions options;
  options.data = std::filesystem::path(data) / "pop909";
  options.split = "valid";
  options.limit = 12;
  options.extra["source"] = "score";
  const nlohmann::json report = evaluate_chords(options);
  EXPECT_EQ(report["n"], 12);
  EXPECT_GT(report["wcsr_majmin"], 0.85);
  EXPECT_GT(report["wcsr_majmin"].get<double>(), report["baseline"].get<double>() + 0.03);
  EXPECT_GE(report["wcsr_root"], report["wcsr_majmin"]);
  EXPECT_FALSE(report.contains("audio"));
}

TEST(EvaluateChords, says_what_is_wrong_with_what_was_asked) {
  EvaluateOptions options;
  options.data = std::filesystem::temp_directory_path() / "euterpe-no-such-songs";
  EXPECT_THROW(evaluate_chords(options), Error);
  options.split = "best";
  EXPECT_THROW(evaluate_chords(options), Error);
  options.extra["source"] = "video";
  EXPECT_THROW(measures(options, "score"), Error);
}

}  // namespace
}  // namespace euterpe
