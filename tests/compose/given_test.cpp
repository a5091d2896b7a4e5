// Music that is there: gone on from, and filled.
#include <gtest/gtest.h>

#include <algorithm>

#include "compose/infill.hpp"
#include "compose/with_composer.hpp"
#include "corpus/music.hpp"

namespace euterpe {
namespace {
using namespace test;

class Continue : public WithComposer {
 protected:
  /// Every note of the prompt stands in the result as it was (one that rings on over the seam may end where its pitch
  /// begins anew).
  static void expect_kept(const Score& prompt, const Score& result) {
    ASSERT_EQ(result.tracks.size(), prompt.tracks.size());
    EXPECT_EQ(result.ticks_per_quarter, prompt.ticks_per_quarter);
    EXPECT_EQ(result.tempos, prompt.tempos);
    const std::int64_t seam = prompt.bar_lines().back();
    for (std::size_t i = 0; i < prompt.tracks.size(); ++i) {
      EXPECT_EQ(result.tracks[i].texts, prompt.tracks[i].texts);
      EXPECT_EQ(result.tracks[i].events, prompt.tracks[i].events);
      std::vector<Note> before;
      for (const Note& n : result.tracks[i].notes)
        if (n.start < seam) before.push_back(n);
      EXPECT_EQ(before, prompt.tracks[i].notes) << i;
    }
  }
};

TEST_F(Continue, keeps_the_prompt_untouched_and_adds_the_bars_asked_for) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Score prompt = test::walk(seed, 3);
    auto o = wish("folk", 4, seed);
    o.prompt = &prompt;
    const auto piece = composer.compose(o);
    expect_kept(prompt, piece.score);
    EXPECT_EQ(bars_of(piece.score), 7);
    EXPECT_GT(piece.score.note_count(), prompt.note_count());
    expect_rereads(piece.score);
  }
}

TEST_F(Continue, keeps_off_grid_time_tempos_texts_and_several_tracks) {
  Score prompt;
  prompt.ticks_per_quarter = 96;
  prompt.tempos = {{0, 500000}, {288, 400000}};
  prompt.meters = {{0, 3, 4}};
  Track& conductor = prompt.tracks.emplace_back();
  conductor.texts = {{0, 0x01, "a word"}, {300, 0x06, "later"}};
  Track& tune = add_track(prompt, "tune", 40, 0);
  for (int i = 0; i < 11; ++i) tune.notes.push_back({i * 52 + 1, 47, static_cast<std::uint8_t>(60 + i % 5), 71, 0});
  Track& drums = add_track(prompt, "drums", 0, 9);
  for (int i = 0; i < 6; ++i) drums.notes.push_back({i * 96, 24, 36, 100, 9});
  prompt.sort();
  prompt = read_midi(write_midi(prompt)).score;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto o = wish("folk", 3, seed);
    o.prompt = &prompt;
    const auto piece = composer.compose(o);
    expect_kept(prompt, piece.score);
    EXPECT_EQ(bars_of(piece.score), bars_of(prompt) + 3);
    EXPECT_EQ(piece.score.meters.size(), 1u);
    expect_rereads(piece.score);
  }
}

TEST_F(Continue, goes_on_from_a_prompt_longer_than_the_context) {
  const Score prompt = test::walk(4, 40);
  auto o = wish("folk", 4, 1);
  o.prompt = &prompt;
  const auto piece = composer.compose(o);
  EXPECT_GT(piece.tokens.size(), 900u);  // of a context of 96
  expect_kept(prompt, piece.score);
  EXPECT_EQ(bars_of(piece.score), 44);
  expect_rereads(piece.score);
}

TEST_F(Continue, a_last_note_just_over_the_bar_line_is_no_bar_more) {
  Score prompt = test::walk(4, 2);
  prompt.tracks[0].notes.back().duration += 1;
  auto o = wish("folk", 2, 1);
  o.prompt = &prompt;
  const auto piece = composer.compose(o);
  EXPECT_GT(piece.score.note_count(), prompt.note_count());
  EXPECT_EQ(bars_of(piece.score), 4);
  expect_rereads(piece.score);
}

TEST_F(Continue, a_chord_held_over_the_seam_may_sound_on) {
  Score prompt = test::walk(4, 2);
  for (std::uint8_t pitch : {40, 44, 47}) prompt.tracks[0].notes.push_back({0, 2 * 1920, pitch, 80, 0});
  prompt.sort();
  auto o = wish("folk", 2, 1);
  o.prompt = &prompt;
  const auto piece = composer.compose(o);
  expect_kept(prompt, piece.score);
  expect_rereads(piece.score);
}

TEST_F(Continue, refuses_a_prompt_that_tokens_cannot_say) {
  const Score empty;
  auto o = wish("folk", 2, 1);
  o.prompt = &empty;
  expect_refused(composer, o, Category::bad_input, "no note");
  Score odd = test::walk(1);
  odd.meters = {{0, 11, 8}};
  o.prompt = &odd;
  expect_refused(composer, o, Category::unsupported, "bar 1");
}

std::vector<Note> notes_between(const Track& track, std::int64_t from, std::int64_t to) {
  std::vector<Note> out;
  for (const Note& n : track.notes)
    if (n.start >= from && n.start < to) out.push_back(n);
  return out;
}

class Infill : public WithComposer {
 protected:
  /// Share of the half bars from bar `from` up to `to` in which the chord is the asked one, major or minor.
  static double heard(const Score& score, const std::vector<BarChords>& asked, std::size_t from, std::size_t to) {
    const auto found = bar_chords(score);
    double same = 0;
    for (std::size_t half = 0; half < 2 * (to - from); ++half) {
      const BarChords &bar = found[from + half / 2], &wish = asked[half / 2 % asked.size()];
      same += majmin_class(bar[std::min(half % 2, bar.size() - 1)]) ==
              majmin_class(wish[std::min(half % 2, wish.size() - 1)]);
    }
    return same / static_cast<double>(2 * (to - from));
  }
};

TEST_F(Infill, writes_the_bars_named_anew_and_leaves_the_others) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const Score piece = test::walk(seed, 10);
    auto o = wish("folk", 1, seed);
    o.gap_in = &piece;
    o.gap = {static_cast<int>(1 + seed % 4), 3};
    const auto filled = composer.compose(o);
    const std::int64_t from = (o.gap.first - 1) * 1920, to = from + 3 * 1920;
    for (const auto& [a, b] : {std::pair<std::int64_t, std::int64_t>{0, from}, {to, 1 << 30}})
      EXPECT_EQ(notes_between(filled.score.tracks[0], a, b), notes_between(piece.tracks[0], a, b)) << seed;
    EXPECT_NE(notes_between(filled.score.tracks[0], from, to), notes_between(piece.tracks[0], from, to));
    EXPECT_EQ(bars_of(filled.score), 10);
    EXPECT_LE(bars_of(filled.written), 7);  // a last note may ring on
    EXPECT_LT(filled.written.merged_notes().back().start, 3 * 1920);
    EXPECT_EQ(filled.provenance["filled"], std::to_string(o.gap.first) + "-" + std::to_string(o.gap.first + 2));
    expect_rereads(filled.score);
  }
}

TEST_F(Infill, fills_the_end_and_a_gap_in_a_piece_longer_than_the_context) {
  const Score piece = test::walk(2, 40);
  for (const BarRange gap : {BarRange{38, 3}, BarRange{1, 2}, BarRange{15, 20}}) {
    auto o = wish("folk", 1, 3);
    o.gap_in = &piece;
    o.gap = gap;
    const auto filled = composer.compose(o);
    const std::int64_t from = (gap.first - 1) * 1920, to = from + gap.count * 1920;
    EXPECT_EQ(notes_between(filled.score.tracks[0], 0, from), notes_between(piece.tracks[0], 0, from));
    EXPECT_EQ(notes_between(filled.score.tracks[0], to, 1 << 30), notes_between(piece.tracks[0], to, 1 << 30));
    expect_rereads(filled.score);
  }
}

TEST_F(Infill, says_how_many_of_the_asked_chords_are_heard_in_the_gap_and_takes_the_fill_that_keeps_them) {
  const auto chords = parse_bar_chords("C");
  double kept = 0, of_any = 0;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const Score piece = test::walk(seed, 10);
    auto o = wish("folk", 1, seed);
    o.gap_in = &piece;
    o.gap = {3, 1};
    of_any += heard(composer.compose(o).score, chords, 2, 3) / 16;
    o.chords = chords;
    const auto filled = composer.compose(o);
    EXPECT_EQ(filled.provenance["chords_kept"].get<double>(), heard(filled.score, chords, 2, 3)) << seed;
    kept += filled.provenance["chords_kept"].get<double>() / 16;
  }
  EXPECT_GT(kept, of_any + 0.1);
}

TEST_F(Infill, tells_of_the_bars_of_all_fills) {
  const Score piece = test::walk(1, 10);
  Progress progress("compose", 0, "bars");
  auto o = wish("folk", 1, 1);
  o.gap_in = &piece;
  o.gap = {3, 2};
  o.progress = &progress;
  composer.compose(o);
  EXPECT_EQ(progress.done(), 2u * kFills);
}

TEST_F(Infill, refuses_bars_that_are_not_there) {
  const Score piece = test::walk(2, 4);
  auto o = wish("folk", 1, 3);
  o.gap_in = &piece;
  for (const BarRange gap : {BarRange{0, 1}, BarRange{5, 1}, BarRange{3, 3}, BarRange{1, 4}}) {
    o.gap = gap;
    expect_refused(composer, o, Category::usage, "4 bars");
  }
}

}  // namespace
}  // namespace euterpe
