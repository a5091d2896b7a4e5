#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/datasets.hpp"
#include "corpus/music.hpp"
#include "evaluate/control_measures.hpp"
#include "evaluate/task.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

TEST(Control, rank_correlation_is_spearmans) {
  const std::vector<double> a{1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{1, 10, 100, 1000, 10000}), 1);
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{5, 4, 3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{2, 2, 2, 2, 2}), 0);
  EXPECT_NEAR(spearman(a, std::vector<double>{5, 6, 7, 8, 7}), 0.8207826816681233, 1e-12);  // as scipy.stats.spearmanr
}

TEST(Control, chords_that_were_asked_stand_in_bars_and_halves_and_begin_again) {
  Score score = test::walk(1, 3);
  score.tempos = {{0, 500000}, {1920, 1000000}};  // the second bar is twice as slow
  const auto chords = chords_in_time(score, parse_bar_chords("C | Am F"));
  ASSERT_EQ(chords.size(), 4u);
  EXPECT_EQ(chords[0].chord.name(), "C:maj");
  EXPECT_DOUBLE_EQ(chords[0].end, 2);
  EXPECT_EQ(chords[1].chord.name(), "A:min");
  EXPECT_DOUBLE_EQ(chords[1].end, 4);
  EXPECT_DOUBLE_EQ(chords[2].end, 6);
  EXPECT_EQ(chords[3].chord.name(), "C:maj");
  score.meters = {{0, 3, 4}};
  score.tempos.clear();
  const auto waltz = chords_in_time(score, parse_bar_chords("Am F"));
  EXPECT_DOUBLE_EQ(waltz[0].end, 1);  // the second chord has the last beat
  EXPECT_DOUBLE_EQ(waltz[1].end, 1.5);
}

TEST(Control, tones_of_a_chord_count_by_how_long_they_sound) {
  Score score;
  Track& track = add_track(score, "", 0, 0);
  track.notes = {{0, 1440, 60, 80, 0}, {0, 480, 61, 80, 0}, {1920, 960, 64, 80, 0}, {2880, 960, 65, 80, 0}};
  score.sort();
  EXPECT_DOUBLE_EQ(chord_tone_share(score, chords_in_time(score, parse_bar_chords("C"))), 2400.0 / 3840);
  EXPECT_DOUBLE_EQ(chord_tone_share(score, chords_in_time(score, parse_bar_chords("C | F"))), 2400.0 / 3840);
  EXPECT_DOUBLE_EQ(chord_tone_share(score, chords_in_time(score, parse_bar_chords("C | Dm7"))), 2400.0 / 3840);
  EXPECT_DOUBLE_EQ(chord_tone_share(score, chords_in_time(score, parse_bar_chords("N | C"))), 0.5);
  EXPECT_DOUBLE_EQ(chord_tone_share(Score{}, {}), 0);
}

TEST(Control, tempo_is_heard_in_beats_of_the_meter) {
  const TimeSignature common{0, 4, 4}, compound{0, 6, 8};
  EXPECT_TRUE(compare_tempo(104, 100, common).same);
  EXPECT_FALSE(compare_tempo(106, 100, common).any_level);
  EXPECT_FALSE(compare_tempo(200, 100, common).same);
  EXPECT_TRUE(compare_tempo(200, 100, common).any_level);
  EXPECT_TRUE(compare_tempo(50, 100, common).any_level);
  EXPECT_TRUE(compare_tempo(60, 90, compound).same);
  EXPECT_FALSE(compare_tempo(0, 100, common).any_level);
}

class EvaluateControl : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  EvaluateOptions options;

  void SetUp() override {
    set_threads(1);
    std::filesystem::create_directories(folder / "data/nottingham");
    for (int i = 0, held_out = 0; held_out < 8; ++i) {
      const std::string name = "tune" + std::to_string(i);
      if (split_of("nottingham/" + name) != "test") continue;
      Score tune = test::walk(static_cast<std::uint64_t>(++held_out), 16);
      // Two chords in turn below it, for a walk by itself has no harmony that changes.
      for (std::int64_t bar = 0; bar < 16; ++bar)
        for (const int pitch : bar % 2 ? std::vector{43, 47, 50} : std::vector{48, 52, 55})
          tune.tracks[0].notes.push_back({bar * 1920, 1920, static_cast<std::uint8_t>(pitch), 80, 0});
      tune.sort();
      write_midi(folder / "data/nottingham" / (name + ".mid"), tune);
    }
    test::save_tiny_composer(folder / "tiny", 256);
    options.data = folder / "data";
    options.model = (folder / "tiny").string();
    options.limit = 2;
    options.seed = 3;
  }
};

TEST_F(EvaluateControl, finds_what_the_program_guarantees_in_a_model_that_knows_no_music) {
  options.extra["emotion-model"] = "none-such";
  const auto result = evaluate_control(options);
  EXPECT_EQ(result["model"]["name"], "tiny");
  ASSERT_EQ(result["styles"].size(), 1u);
  const auto& folk = result["styles"]["folk"];
  EXPECT_DOUBLE_EQ(result["tempo"].get<double>(), 1);
  EXPECT_EQ(folk["key_n"], 2);
  EXPECT_EQ(folk["chords_n"], 2);
  EXPECT_EQ(folk["density_n"], 2);
  EXPECT_GT(folk["chord_tones_real"].get<double>(), 0.6);
  EXPECT_LT(folk["chords"].get<double>(), 0.6);  // random notes are no chords
  for (const char* name : {"key", "key_by_profile", "chords", "density_rho", "register_rho", "density_octaves_off",
                           "key_attempts", "chord_attempts", "density_attempts"}) {
    EXPECT_TRUE(result[name].is_number()) << name;
    EXPECT_TRUE(result[std::string(name) + "_se"].is_number()) << name;
  }
  for (const char* name : {"key_attempts", "chord_attempts", "density_attempts"})
    EXPECT_GE(result[name].get<double>(), 1) << name;
  EXPECT_TRUE(result["emotion_ratio"].is_null());
  EXPECT_NE(result["emotion_ratio_why"].get<std::string>().find("none-such"), std::string::npos);
  EXPECT_EQ(evaluate_control(options), result);  // the seed fixes all of it
}

TEST_F(EvaluateControl, says_so_where_nothing_can_be_measured) {
  options.data = folder / "tiny";
  EXPECT_THROW(evaluate_control(options), Error);
  options.data = folder / "data";
  options.split = "none";
  EXPECT_THROW(evaluate_control(options), Error);
}

}  // namespace
}  // namespace euterpe
