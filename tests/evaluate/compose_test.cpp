#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/datasets.hpp"
#include "corpus/music.hpp"
#include "evaluate/task.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

class EvaluateCompose : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  EvaluateOptions options;

  /// A collection of folk tunes; the held-out ones are copies of training tunes if `copied`.
  void make_collection(bool copied) {
    std::filesystem::create_directories(folder / "data/nottingham");
    int training = 0, held_out = 0;
    for (int i = 0; training < 12 || held_out < 6; ++i) {
      const std::string name = "tune" + std::to_string(i);
      const std::string split = split_of("nottingham/" + name);
      std::uint64_t seed = 0;
      if (split == "train" && training < 12)
        seed = static_cast<std::uint64_t>(++training);
      else if (split == "test" && held_out < 6)
        seed = static_cast<std::uint64_t>(++held_out) + (copied ? 0 : 1000);
      else
        continue;
      write_midi(folder / "data/nottingham" / (name + ".mid"), test::walk(seed, 16));
    }
  }
  nlohmann::json measure() {
    set_threads(1);
    test::save_tiny_composer(folder / "tiny");
    options.data = folder / "data";
    options.model = (folder / "tiny").string();
    options.limit = 6;
    options.seed = 3;
    return evaluate_compose(options);
  }
};

TEST_F(EvaluateCompose, measures_generated_against_held_out_music_of_each_style_that_is_there) {
  make_collection(false);
  const auto result = measure();
  EXPECT_EQ(result["split"], "test");
  EXPECT_EQ(result["model"]["name"], "tiny");
  ASSERT_EQ(result["styles"].size(), 1u);
  const auto& folk = result["styles"]["folk"];
  EXPECT_EQ(folk["pieces"], 6);
  EXPECT_EQ(folk["real_windows"], 6);
  EXPECT_EQ(folk["invalid"], 0);
  EXPECT_EQ(result["invalid"], 0);
  EXPECT_GT(folk["diversity_ratio"].get<double>(), 0);
  EXPECT_GT(folk["frechet_ratio"].get<double>(), 1);  // random weights are far from any tune
  for (const char* bars : {"1", "2", "4"}) {
    EXPECT_LT(folk["memorised_windows"][bars]["generated"].get<double>(), 0.01) << bars;
    EXPECT_LT(folk["memorised_windows"][bars]["real"].get<double>(), 0.2) << bars;
  }
  for (const char* name : {"pitch_class_entropy", "scale_consistency", "groove_consistency", "polyphony",
                           "notes_per_bar", "pitch_range", "qualified_note_rate", "empty_bar_rate"})
    EXPECT_TRUE(folk["statistics"][name]["real"].is_number()) << name;
  EXPECT_DOUBLE_EQ(folk["statistics"]["notes_per_bar"]["real"].get<double>(), 8);
  EXPECT_EQ(measure(), result);  // the seed fixes all of it
}

TEST_F(EvaluateCompose, finds_what_was_copied_from_the_training_tunes) {
  make_collection(true);
  const auto result = measure();
  for (const char* bars : {"1", "2", "4"})
    EXPECT_DOUBLE_EQ(result["styles"]["folk"]["memorised_windows"][bars]["real"].get<double>(), 1) << bars;
}

TEST_F(EvaluateCompose, says_so_where_no_style_of_the_model_is_there) {
  std::filesystem::create_directories(folder / "data/pop909");
  EXPECT_THROW(measure(), Error);
}

}  // namespace
}  // namespace euterpe
