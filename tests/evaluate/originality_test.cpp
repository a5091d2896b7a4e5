#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/temporary_folder.hpp"
#include "compose/tiny_chorales.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/planted.hpp"
#include "evaluate/task.hpp"
#include "score/midi.hpp"
#include "score/passages.hpp"

namespace euterpe {
namespace {

TEST(PlantPassage, cuts_bars_and_puts_them_into_another_piece_in_another_key_and_tempo) {
  const Score source = test::tune(1), host = test::tune(2);
  const auto bars = source.bar_lines();
  const Score passage = cut_passage(source, bars[4], bars[8]);
  EXPECT_EQ(passage.end_tick(), 4 * 1920);
  const Score planted = plant_passage(host, passage, {6, 3, 0.5, false});
  ASSERT_EQ(planted.tracks.size(), host.tracks.size() + 2);
  const auto& notes = planted.tracks[2].notes;
  ASSERT_EQ(notes.size(), passage.tracks[0].notes.size());
  for (std::size_t i = 0; i < notes.size(); ++i) {
    EXPECT_EQ(notes[i].pitch, passage.tracks[0].notes[i].pitch + 3);
    EXPECT_EQ(notes[i].start, 6 * 1920 + passage.tracks[0].notes[i].start / 2);
  }
  for (const Note& n : planted.tracks[0].notes) EXPECT_TRUE(n.end() <= 6 * 1920 || n.start >= 8 * 1920);
  const Score merged = plant_passage(host, passage, {6, 3, 0.5, true});
  EXPECT_EQ(merged.tracks.size(), host.tracks.size());
  EXPECT_EQ(merged.note_count(), planted.note_count());
}

TEST(PlantPassage, windows_do_not_overlap_and_a_short_rest_is_left_out) {
  EXPECT_EQ(bar_windows(test::tune(1, 40), 16).size(), 3u);
  EXPECT_EQ(bar_windows(test::tune(1, 37), 16).size(), 2u);
  EXPECT_EQ(bar_windows(test::tune(1, 5), 16).size(), 1u);
}

TEST(EvaluateOriginality, finds_what_is_planted_and_tells_the_same_tune_from_strangers) {
  set_threads(1);
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "data/nottingham");
  int training = 0, held_out = 0;
  for (int i = 0; training < 16 || held_out < 6; ++i) {
    const std::string name = "tune" + std::to_string(i);
    const std::string split = split_of("nottingham/" + name);
    if (split == "train" && training < 16)
      write_midi(folder / "data/nottingham" / (name + ".mid"), test::tune(static_cast<std::uint64_t>(++training)));
    else if (split == "test" && held_out < 6)  // the first of them is a training tune
      write_midi(folder / "data/nottingham" / (name + ".mid"),
                 test::tune(static_cast<std::uint64_t>(held_out++ == 0 ? 1 : 100 + held_out)));
  }
  test::save_tiny_composer(folder / "tiny");
  EvaluateOptions options;
  options.data = folder / "data";
  options.model = (folder / "tiny").string();
  options.limit = 20;
  const auto result = evaluate_originality(options);
  EXPECT_EQ(result["planted"], 20);
  EXPECT_DOUBLE_EQ(result["planted_found"].get<double>(), 1);
  EXPECT_NEAR(result["real_flagged"].get<double>(), 1.0 / 6, 1e-9);
  EXPECT_GT(result["real_flagged_se"].get<double>(), 0);
  EXPECT_DOUBLE_EQ(result["strangers_flagged"].get<double>(), 0);
  EXPECT_EQ(result["styles"]["folk"]["flagged_tune"], 1);
  ASSERT_EQ(result["flagged"].size(), 1u);
  EXPECT_EQ(result["flagged"][0]["same"], "tune");
  EXPECT_FALSE(result["styles"]["folk"]["index"]["shipped"].get<bool>());
  EXPECT_EQ(result["styles"]["folk"]["index"]["pieces"], 16);
  options.data = folder / "nothing";
  EXPECT_THROW(evaluate_originality(options), Error);
}

/// The models folder while it lives: composer knows no music, chorale three chords.
class ShippedModels {
 public:
  ShippedModels() {
    test::save_tiny_composer(folder_ / "composer");
    ::setenv("EUTERPE_USER_MODELS", folder_.path().c_str(), 1);
    ::setenv("EUTERPE_MODELS", test::tiny_chorales().folder.parent_path().c_str(), 1);
  }
  ~ShippedModels() {
    ::unsetenv("EUTERPE_USER_MODELS");
    ::unsetenv("EUTERPE_MODELS");
  }

 private:
  TemporaryFolder folder_;
};

nlohmann::json steps_of(const VoiceGrid& grid) {
  auto out = nlohmann::json::array();
  for (const VoicePitches& step : grid.steps) out.push_back(step);
  return out;
}

TEST(EvaluateOriginality, asks_for_each_style_the_model_and_the_index_that_compose_takes) {
  set_threads(1);
  const ShippedModels models;
  const TemporaryFolder folder;
  nlohmann::json chorales;
  for (std::uint64_t i = 0; i < 20; ++i)
    chorales[i < 16   ? "train"
             : i < 18 ? "valid"
                      : "test"]
        .push_back(steps_of(test::chords(i, static_cast<int>(i % 5) - 2, 24)));
  write_file(folder / "data/jsb/Jsb16thSeparated.json", chorales.dump());
  int training = 0, held_out = 0;
  for (std::uint64_t i = 0; training < 8 || held_out < 2; ++i) {
    const std::string name = "tune" + std::to_string(i);
    const std::string split = split_of("nottingham/" + name);
    if ((split == "train" && training++ < 8) || (split == "test" && held_out++ < 2)) {
      std::filesystem::create_directories(folder / "data/nottingham");
      write_midi(folder / "data/nottingham" / (name + ".mid"), test::tune(i));
    }
  }
  EvaluateOptions options;
  options.data = folder / "data";
  options.limit = 4;
  const auto asked = evaluate_originality(options)["styles"];
  EXPECT_EQ(asked["chorale"]["model"]["name"], "chorale");
  EXPECT_EQ(asked["chorale"]["index"]["pieces"], 16);
  EXPECT_EQ(asked["folk"]["model"]["name"], "composer");
  EXPECT_EQ(asked["folk"]["index"]["pieces"], 24);  // this model knows both styles
}

}  // namespace
}  // namespace euterpe
