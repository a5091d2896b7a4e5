// A melody that is accompanied.
#include <gtest/gtest.h>

#include "compose/with_composer.hpp"
#include "corpus/music.hpp"

namespace euterpe {
namespace {
using namespace test;

class Melody : public WithComposer {};

TEST_F(Melody, stands_untouched_above_what_accompanies_it) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Score melody = test::walk(seed, 5);
    melody.ticks_per_quarter = 480;
    for (Note& n : melody.tracks[0].notes) n.velocity = static_cast<std::uint8_t>(60 + n.pitch % 30);
    auto o = wish("chorale", 16, seed);
    o.melody = &melody;
    const auto piece = composer.compose(o);
    ASSERT_GE(piece.score.tracks.size(), 2u);
    EXPECT_EQ(piece.score.tracks[0].notes, melody.tracks[0].notes);
    EXPECT_EQ(bars_of(piece.score), 5);
    EXPECT_GT(piece.score.note_count(), melody.note_count());
    EXPECT_EQ(piece.written.note_count(), piece.score.note_count() - melody.note_count());
    expect_rereads(piece.score);
  }
}

TEST_F(Melody, may_be_in_seven_eight_and_change_its_meter) {
  Score melody;
  melody.ticks_per_quarter = 96;
  melody.meters = {{0, 7, 8}, {3 * 336, 3, 4}};
  melody.tempos = {{0, 400000}, {700, 600000}};
  Track& track = add_track(melody, "flute", 73, 2);
  for (int i = 0; i < 34; ++i) track.notes.push_back({i * 48, 40, static_cast<std::uint8_t>(65 + i % 7), 90, 2});
  melody.sort();
  auto o = wish("folk", 4, 2);
  o.melody = &melody;
  const auto piece = composer.compose(o);
  EXPECT_EQ(piece.score.meters, melody.meters);
  EXPECT_EQ(piece.score.tempos, melody.tempos);
  EXPECT_EQ(piece.score.tracks[0].notes, melody.tracks[0].notes);
  EXPECT_EQ(bars_of(piece.score), bars_of(melody));
  expect_rereads(piece.score);
}

TEST_F(Melody, is_found_in_a_piece_of_several_parts) {
  Score score = test::walk(3, 4);
  Track& low = add_track(score, "chords", 24, 1);
  for (int bar = 0; bar < 4; ++bar)
    for (std::uint8_t pitch : {36, 43, 48}) low.notes.push_back({bar * 1920, 1920, pitch, 70, 1});
  score.sort();
  auto o = wish("folk", 4, 2);
  o.melody = &score;
  const auto piece = composer.compose(o);
  EXPECT_EQ(piece.score.tracks[0].notes, score.tracks[0].notes);
  expect_rereads(piece.score);
}

TEST_F(Melody, of_ten_thousand_notes_or_of_none_is_a_clear_error) {
  const Score endless = test::walk(1, 1250);
  ASSERT_EQ(endless.note_count(), 10000u);
  auto o = wish("folk", 4, 2);
  o.melody = &endless;
  expect_refused(composer, o, Category::usage, "1250 bars");
  const Score empty;
  o.melody = &empty;
  expect_refused(composer, o, Category::bad_input, "no note");
  Score beat;
  add_track(beat, "kit", 0, 9).notes = {{0, 120, 36, 90, 9}, {480, 120, 38, 90, 9}};
  o.melody = &beat;
  expect_refused(composer, o, Category::bad_input, "drums");
  const Score tune = test::walk(1, 4);
  o.melody = o.prompt = &tune;
  expect_refused(composer, o, Category::usage, "do not go together");
  o.prompt = nullptr;
  o.key = parse_key("C");
  expect_refused(composer, o, Category::usage, "keeps its own");
}

TEST_F(Melody, many_times_longer_than_the_context_is_accompanied_to_its_end) {
  const Score tune = test::walk(1, 60);
  auto o = wish("folk", 4, 2);
  o.melody = &tune;
  const auto piece = composer.compose(o);
  EXPECT_EQ(piece.score.tracks[0].notes, tune.tracks[0].notes);
  EXPECT_EQ(bars_of(piece.score), 60);
}

}  // namespace
}  // namespace euterpe
