#include "score/passage_whole.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "passages.hpp"
#include "score/passage_prints.hpp"
#include "score/passage_search.hpp"

namespace euterpe {
namespace {

/// Notes of a quarter and more, `per_bar` of them drawn for each bar at random quarters, over a bass: little music.
Score sparse_tune(std::uint64_t seed, int bars, int per_bar) {
  Random random(seed);
  Score score;
  score.meters.push_back({0, 4, 4});
  add_track(score, "melody", 0, 0);
  add_track(score, "bass", 32, 1);
  Track &melody = score.tracks[0], &bass = score.tracks[1];
  for (int bar = 0; bar < bars; ++bar) {
    for (int i = 0; i < per_bar; ++i) {
      const auto at = bar * 1920 + static_cast<std::int64_t>(random.below(4)) * 480;
      melody.notes.push_back({at, 480, static_cast<std::uint8_t>(60 + random.below(12)), 80, 0, 64});
    }
    if (random.below(2) == 0)
      bass.notes.push_back({bar * 1920, 960, static_cast<std::uint8_t>(40 + random.below(7)), 80, 1, 64});
  }
  score.sort();
  return score;
}

class WholePassages : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kPieces = 30;
  WholePassages() : index(build()) {}
  static std::vector<std::uint8_t> build() {
    PassageIndexBuilder builder;
    for (std::uint64_t i = 0; i < kPieces; ++i)
      builder.add("piece " + std::to_string(i), sparse_tune(i, 16, 1 + static_cast<int>(i % 3)));
    return builder.finish();
  }
  std::vector<WholePassage> whole(const Score& score) const {
    const PassageIndex* list[] = {&index};
    return find_whole_passages(score, list);
  }
  PassageIndex index;
};

TEST_F(WholePassages, every_four_bars_with_six_onsets_are_found_however_sparse_in_any_key_and_tempo) {
  Random random(3);
  int planted = 0;
  for (std::uint64_t piece = 0; piece < kPieces; ++piece)
    for (int bar = 0; bar + 4 <= 16; ++bar) {
      const Score source = sparse_tune(piece, 16, 1 + static_cast<int>(piece % 3));
      const auto notes = print_notes(source);
      std::size_t begin = 0, end = 0;
      for (const PrintNote& n : notes) begin += n.time < bar * 4, end += n.time < bar * 4 + 16;
      if (count_onsets(notes, begin, end, 0.1) < 6) continue;
      const double stretch = std::vector<double>{0.5, 0.75, 0.9, 1.1, 1.5, 2}[random.below(6)];
      const int semitones = static_cast<int>(random.below(12)) - 5;
      const Score copy = test::plant(test::tune(1000 + piece, 24), source, bar, 4, 8, semitones, stretch);
      const auto found = whole(copy);
      bool known = false;
      for (const WholePassage& w : found)
        known |= w.piece == piece && w.transposition == semitones && w.source_from <= bar * 4 + 8.1 &&
                 w.source_to >= bar * 4 + 8 && std::abs(w.tempo_ratio * stretch - 1) < 0.15 && w.from >= 32 - 0.1;
      EXPECT_TRUE(known) << piece << " bar " << bar << " stretch " << stretch;
      ++planted;
    }
  EXPECT_GT(planted, 150);
}

TEST_F(WholePassages, other_music_has_none) {
  for (std::uint64_t seed = 2000; seed < 2030; ++seed) {
    EXPECT_TRUE(whole(test::tune(seed)).empty()) << seed;
    EXPECT_TRUE(whole(sparse_tune(seed, 16, 2)).empty()) << seed;
  }
}

TEST_F(WholePassages, one_note_more_or_another_order_is_not_note_for_note) {
  const Score source = sparse_tune(5, 16, 3);
  Score four = test::plant(Score{source}, source, 4, 4, 4, 0, 1);
  for (Track& track : four.tracks)
    std::erase_if(track.notes, [](const Note& n) { return n.start < 4 * 1920 || n.start >= 8 * 1920; });
  ASSERT_EQ(whole(four).size(), 1u);
  Score more = four;
  for (int bar = 4; bar < 8; ++bar) more.tracks[0].notes.push_back({bar * 1920 + 1200, 240, 90, 80, 0, 64});
  more.sort();
  EXPECT_TRUE(whole(more).empty());
  Score backward = four;
  for (Track& track : backward.tracks)
    for (Note& n : track.notes) n.start = 4 * 1920 + 8 * 1920 - 480 - n.start;
  backward.sort();
  EXPECT_TRUE(whole(backward).empty());
}

TEST_F(WholePassages, on_a_grid_they_are_the_same) {
  Score played = test::tune(77);
  Random random(1);
  for (Track& track : played.tracks)
    for (Note& n : track.notes) n.start += static_cast<std::int64_t>(random.below(30));
  played.sort();
  PassageIndexBuilder builder;
  builder.add("played", played);
  const PassageIndex one(builder.finish());
  const PassageIndex* list[] = {&one};
  const auto found = find_whole_passages(test::plant(test::tune(5), test::tune(77), 4, 4, 6, 1, 1), list);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].transposition, 1);
}

TEST_F(WholePassages, are_the_nearest_passages) {
  const PassageIndex* list[] = {&index};
  const auto found = find_passages(test::plant(test::tune(900), sparse_tune(5, 16, 3), 8, 4, 4, -3, 1), list);
  ASSERT_FALSE(found.empty());
  EXPECT_TRUE(found[0].whole);
  EXPECT_EQ(found[0].piece, "piece 5");
  EXPECT_EQ(found[0].similarity, 1);
  EXPECT_EQ(found[0].transposition, -3);
  EXPECT_EQ(found[0].bar_from, 5);
  EXPECT_EQ(found[0].bar_to, 8);
  EXPECT_EQ(found[0].source_bar_from, 9);
  EXPECT_EQ(found[0].source_bar_to, 12);
}

TEST_F(WholePassages, a_note_that_repeats_without_end_takes_no_time) {
  PassageIndexBuilder builder;
  Score same;
  Track& track = add_track(same, "", 0, 0);
  for (int i = 0; i < 4000; ++i) track.notes.push_back({i * 240, 240, 60, 80, 0, 64});
  builder.add("same", same);
  const PassageIndex one(builder.finish());
  const PassageIndex* list[] = {&one};
  EXPECT_EQ(find_whole_passages(same, list).size(), 1u);
}

TEST(BarPrints, few_notes_have_none_and_bars_without_end_do_no_harm) {
  EXPECT_TRUE(bar_prints(Score{}).empty());
  Score held;
  add_track(held, "", 0, 0).notes = {{0, 7680, 60, 80, 0, 64}, {0, 7680, 64, 80, 0, 64}};
  EXPECT_TRUE(bar_prints(held).empty());
  Score wide = test::tune(4, 64);
  wide.meters = {{0, 255, 1}};
  EXPECT_TRUE(bar_prints(wide).empty());
}

/// Bars of four quarters each; a number stands for the same bar wherever it comes.
Score bars_of_numbers(const std::vector<std::uint64_t>& numbers) {
  Score score;
  score.meters.push_back({0, 4, 4});
  add_track(score, "melody", 0, 0);
  for (std::size_t bar = 0; bar < numbers.size(); ++bar) {
    Random random(numbers[bar]);
    for (int beat = 0; beat < 4; ++beat)
      score.tracks[0].notes.push_back({static_cast<std::int64_t>(bar) * 1920 + beat * 480, 480,
                                       static_cast<std::uint8_t>(60 + random.below(20)), 80, 0, 64});
  }
  return score;
}

TEST_F(WholePassages, a_figure_that_comes_all_the_time_hides_nothing_behind_it) {
  constexpr std::uint64_t kFigure = 1;  // of two bars, always followed by another bar
  std::vector<std::uint64_t> source, score;
  const auto add_figure = [](std::vector<std::uint64_t>& to, std::uint64_t then) {
    to.insert(to.end(), {kFigure, kFigure + 1, then});
  };
  for (std::uint64_t i = 0; i < 8; ++i) add_figure(source, 100 + i);
  for (std::uint64_t i = 0; i < 60; ++i) add_figure(score, 200 + i);
  for (std::uint64_t i = 0; i < 4; ++i) {
    source.push_back(300 + i);
    score.push_back(300 + i);
  }
  PassageIndexBuilder builder;
  builder.add("source", bars_of_numbers(source));
  const PassageIndex one(builder.finish());
  const PassageIndex* list[] = {&one};
  const auto found = find_whole_passages(bars_of_numbers(score), list);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].from, 60 * 12, 0.1);
  EXPECT_NEAR(found[0].source_from, 8 * 12, 0.1);
}

}  // namespace
}  // namespace euterpe
