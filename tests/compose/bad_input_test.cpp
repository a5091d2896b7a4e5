// What nobody asks for in earnest, and what comes all the same.
#include <gtest/gtest.h>

#include <algorithm>

#include "compose/with_composer.hpp"
#include "corpus/music.hpp"

namespace euterpe {
namespace {

class BadInput : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  Composer composer = [this] {
    test::save_tiny_composer(folder / "tiny");
    return Composer(find_model((folder / "tiny").string()));
  }();

  /// What is written reads back, bar for bar.
  Score compose(const ComposeOptions& wish, int bars) const {
    const Score score = composer.compose(wish).score;
    EXPECT_EQ(static_cast<int>(score.bar_lines().size()) - 1, bars);
    test::expect_rereads(score);
    return score;
  }
  void refused(const ComposeOptions& wish, Category category, const std::string& word) const {
    test::expect_refused(composer, wish, category, word);
  }
};

/// Bars of seven eighths.
Score in_seven(int bars) {
  Score score = test::walk(3, bars);  // eight eighths a bar: more than enough
  score.meters = {{0, 7, 8}};
  std::erase_if(score.tracks[0].notes, [&](const Note& n) { return n.end() > bars * 1680; });
  return score;
}

TEST_F(BadInput, seven_eighths_are_composed_continued_filled_and_accompanied) {
  ComposeOptions wish;
  wish.style = "folk";
  wish.bars = 3;
  wish.meter = "7/8";
  const auto in_sevens = [](const Score& score) {
    return score.meters.size() == 1 && score.meters[0].numerator == 7 && score.meters[0].denominator == 8;
  };
  EXPECT_TRUE(in_sevens(compose(wish, 3)));
  const Score tune = in_seven(6);
  wish.meter.reset();
  wish.prompt = &tune;
  EXPECT_TRUE(in_sevens(compose(wish, 9)));
  wish.prompt = nullptr;
  wish.melody = &tune;
  const Score full = compose(wish, 6);
  EXPECT_TRUE(in_sevens(full));
  EXPECT_EQ(full.tracks[0].notes, tune.tracks[0].notes);
  wish.melody = nullptr;
  wish.gap_in = &tune;
  wish.gap = {3, 2};
  EXPECT_TRUE(in_sevens(compose(wish, 6)));
}

TEST_F(BadInput, a_meter_that_no_token_says_is_refused_with_its_bar) {
  Score tune = test::walk(3, 8);
  tune.meters = {{0, 4, 4}, {2 * 1920, 13, 16}};
  ComposeOptions wish;
  wish.style = "folk";
  wish.prompt = &tune;
  refused(wish, Category::unsupported, "bar 3");
}

TEST_F(BadInput, ten_thousand_notes_are_gone_on_from) {
  const Score endless = test::walk(1, 1250);
  ASSERT_EQ(endless.note_count(), 10000u);
  ComposeOptions wish;
  wish.style = "folk";
  wish.bars = 2;
  wish.prompt = &endless;
  const Score on = compose(wish, 1252);
  EXPECT_GT(on.note_count(), 10000u);
}

TEST_F(BadInput, a_melody_whose_bars_are_longer_than_the_context_is_kept_note_for_note) {
  Score rush = test::walk(1, 16);
  for (Note& n : rush.tracks[0].notes) {
    n.start /= 8;
    n.duration /= 8;
  }
  ASSERT_EQ(rush.bar_lines().size(), 3u);  // 64 notes a bar, some 190 tokens where the model sees 96
  ComposeOptions wish;
  wish.style = "folk";
  wish.melody = &rush;
  EXPECT_EQ(compose(wish, 2).tracks[0].notes, rush.tracks[0].notes);
}

TEST_F(BadInput, nothing_is_no_melody_and_no_piece) {
  Score empty;
  ComposeOptions wish;
  wish.style = "folk";
  wish.melody = &empty;
  refused(wish, Category::bad_input, "no note");
  wish.melody = nullptr;
  wish.prompt = &empty;
  refused(wish, Category::bad_input, "no note");
  wish.prompt = nullptr;
  wish.gap_in = &empty;
  wish.gap = {1, 1};
  refused(wish, Category::bad_input, "no note");
}

TEST_F(BadInput, one_note_is_enough) {
  Score one;
  add_track(one, "tune", 0, 0).notes = {{0, 480, 60, 80, 0}};
  ComposeOptions wish;
  wish.style = "folk";
  wish.bars = 2;
  wish.prompt = &one;
  EXPECT_GT(compose(wish, 3).note_count(), 1u);
  wish.prompt = nullptr;
  wish.melody = &one;
  EXPECT_EQ(compose(wish, 1).tracks[0].notes.size(), 1u);
  wish.melody = nullptr;
  wish.gap_in = &one;
  wish.gap = {1, 1};
  refused(wish, Category::usage, "at least one must stay");
}

}  // namespace
}  // namespace euterpe
