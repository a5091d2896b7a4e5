#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/datasets.hpp"
#include "corpus/music.hpp"
#include "evaluate/compared_statistics.hpp"
#include "evaluate/seam.hpp"
#include "evaluate/task.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

float feature(const std::vector<float>& row, const std::string& name) {
  const auto& names = seam_feature_names();
  const auto at = std::find(names.begin(), names.end(), name);
  EXPECT_NE(at, names.end()) << name;
  return at == names.end() ? 0 : row[static_cast<std::size_t>(at - names.begin())];
}

/// A tune over a bass that is held, two bars of four quarters.
std::vector<GridNote> two_bars() {
  std::vector<GridNote> notes{{0, 24, 48}, {24, 8, 50}};
  const int tune[] = {72, 74, 76, 77, 84, 83, 81, 80};
  for (int i = 0; i < 8; ++i) notes.push_back({4 * i, 4, tune[i]});
  std::sort(notes.begin(), notes.end());
  return notes;
}

TEST(Seam, features_say_what_goes_over_the_bar_line) {
  const auto row = seam_features(two_bars(), {16, 16, true});
  ASSERT_EQ(row.size(), seam_feature_names().size());
  EXPECT_GE(row.size(), 30u);
  EXPECT_EQ(feature(row, "crossing.top"), 7);           // F to C
  EXPECT_EQ(feature(row, "crossing.held"), 1);          // the bass
  EXPECT_EQ(feature(row, "crossing.held_over"), 0.5F);  // for half a bar
  EXPECT_EQ(feature(row, "crossing.ending"), 1);
  EXPECT_EQ(feature(row, "crossing.struck"), 1);
  EXPECT_EQ(feature(row, "offbeats.inside"), 0);
  EXPECT_GT(feature(row, "crossing.foreign_after"), 0);  // G# is none of C major
  EXPECT_EQ(feature(row, "agreement.rhythm"), feature(seam_features(two_bars(), {16, 16, false}), "agreement.rhythm"));
}

TEST(Seam, features_do_not_hear_the_key_and_name_bars_from_the_gap) {
  auto notes = two_bars();
  const auto row = seam_features(notes, {16, 16, true});
  const auto exit = seam_features(notes, {16, 16, false});
  EXPECT_EQ(feature(row, "notes.change"), -feature(exit, "notes.change"));
  EXPECT_EQ(feature(row, "crossing.top"), feature(exit, "crossing.top"));
  for (GridNote& n : notes) n.pitch -= 5;
  const auto moved = seam_features(notes, {16, 16, true});
  for (std::size_t i = 0; i < row.size(); ++i) EXPECT_NEAR(row[i], moved[i], 1e-5) << seam_feature_names()[i];
}

TEST(Seam, features_are_finite_where_nothing_sounds) {
  for (const bool entry : {true, false})
    for (const auto& notes : {std::vector<GridNote>{}, std::vector<GridNote>{{0, 4, 60}}, {{20, 400, 60}}})
      for (const float x : seam_features(notes, {16, 16, entry})) EXPECT_TRUE(std::isfinite(x));
}

std::vector<SeamPair> pairs_of(int pieces, bool audible, bool paired_noise) {
  Random random(5);
  std::vector<SeamPair> out;
  for (int piece = 0; piece < pieces; ++piece) {
    const double own = random.normal();  // what all seams of a piece have in common tells nothing
    for (const bool entry : {true, false}) {
      SeamPair p{{}, {}, "piece" + std::to_string(piece), entry};
      for (int k = 0; k < 12; ++k) {
        p.real.push_back(static_cast<float>(own + random.normal()));
        p.other.push_back(paired_noise ? static_cast<float>(own + random.normal()) : p.real.back());
      }
      if (audible && entry) p.other[3] += 6;
      out.push_back(p);
    }
  }
  return out;
}

TEST(Seam, versions_that_are_alike_cannot_be_told) {
  const SeamTest same = tell_seams(pairs_of(20, false, false), 1);
  EXPECT_DOUBLE_EQ(same.accuracy, 0.5);
  EXPECT_NEAR(same.error, 0, 1e-12);
  const SeamTest chance = tell_seams(pairs_of(60, false, true), 1);
  EXPECT_NEAR(chance.accuracy, 0.5, 0.12);
  EXPECT_GT(chance.error, 0);
}

TEST(Seam, what_can_be_heard_is_told_where_it_is) {
  const SeamTest told = tell_seams(pairs_of(40, true, true), 1);
  EXPECT_GT(told.entry, 0.9);
  EXPECT_LT(told.exit, 0.7);
  EXPECT_NEAR(told.accuracy, 0.5 * (told.entry + told.exit), 1e-12);
  EXPECT_EQ(tell_seams(pairs_of(40, true, true), 1).accuracy, told.accuracy);
}

TEST(ComparedStatistics, count_a_piece_as_one) {
  const std::vector<MusicStatistics> generated{{{"a", 3}, {"b_rate", 0.2}}, {{"a", 5}, {"b_rate", 0.4}}};
  const std::vector<MusicStatistics> real{
      {{"a", 4}, {"b_rate", 0}}, {{"a", 4}, {"b_rate", 0}}, {{"a", 6}, {"b_rate", 0}}, {{"a", 6}, {"b_rate", 0}}};
  const std::vector<std::size_t> two{0, 0, 1, 1}, four{0, 1, 2, 3};
  const auto by_two = compare_statistics(generated, real, two), by_four = compare_statistics(generated, real, four);
  EXPECT_DOUBLE_EQ(by_two.at("a").generated, 4);
  EXPECT_DOUBLE_EQ(by_two.at("a").real, 5);
  EXPECT_DOUBLE_EQ(by_two.at("a").real_se, 1);  // of the means 4 and 6
  EXPECT_NEAR(by_four.at("a").real_se, std::sqrt(4.0 / 3 / 4), 1e-12);
  EXPECT_TRUE(by_two.at("a").within("a", 0.1));  // within two standard errors
  EXPECT_FALSE(by_two.at("b_rate").within("b_rate", 0.1));
  EXPECT_TRUE(by_two.at("b_rate").within("b_rate", 0.31));
  EXPECT_EQ(to_json(by_two)["a"]["real"], 5);
}

class EvaluateInfill : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  EvaluateOptions options;

  void SetUp() override {
    set_threads(1);
    std::filesystem::create_directories(folder / "data/nottingham");
    for (int i = 0, held_out = 0; held_out < 8; ++i) {
      const std::string name = "tune" + std::to_string(i);
      if (split_of("nottingham/" + name) != "test") continue;
      write_midi(folder / "data/nottingham" / (name + ".mid"), test::walk(static_cast<std::uint64_t>(++held_out), 16));
    }
    test::save_tiny_composer(folder / "tiny");
    options.data = folder / "data";
    options.model = (folder / "tiny").string();
    options.limit = 12;
    options.seed = 3;
  }
};

TEST_F(EvaluateInfill, fills_gaps_of_held_out_tunes_and_tells_a_model_that_knows_no_music) {
  const auto result = evaluate_infill(options);
  EXPECT_EQ(result["split"], "test");
  EXPECT_EQ(result["model"]["name"], "tiny");
  ASSERT_EQ(result["styles"].size(), 1u);
  const auto& folk = result["styles"]["folk"];
  EXPECT_GE(folk["gaps"], 8);  // a second gap where a tune has room for it
  EXPECT_EQ(folk["pieces"], 8);
  EXPECT_EQ(folk["models"], (nlohmann::json{{"tiny", folk["gaps"]}}));
  EXPECT_TRUE(folk["outside_10_percent"].is_array());
  for (const char* name : {"pitch_class_entropy", "scale_consistency", "groove_consistency", "polyphony",
                           "notes_per_bar", "pitch_range", "qualified_note_rate", "empty_bar_rate"})
    EXPECT_TRUE(folk["statistics"][name]["generated"].is_number()) << name;
  EXPECT_DOUBLE_EQ(folk["statistics"]["notes_per_bar"]["real"].get<double>(), 8);
  EXPECT_DOUBLE_EQ(folk["statistics"]["scale_consistency"]["real"].get<double>(), 1);
  EXPECT_GT(result["seam_classifier_accuracy"].get<double>(), 0.8);
  EXPECT_GT(folk["entry_accuracy"].get<double>(), 0.7);
  EXPECT_FALSE(folk["misplaced"]["other_piece"].is_null());
  EXPECT_EQ(evaluate_infill(options), result);  // the seed fixes all of it
}

TEST_F(EvaluateInfill, says_so_where_nothing_can_be_measured) {
  options.data = folder / "tiny";
  EXPECT_THROW(evaluate_infill(options), Error);
  options.data = folder / "data";
  options.split = "none";
  EXPECT_THROW(evaluate_infill(options), Error);
}

}  // namespace
}  // namespace euterpe
