#include "score/bar_grid.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kSixteenth = 120;

void put(Track& track, std::int64_t start, std::int64_t length, int pitch) {
  Note note;
  note.start = start * kSixteenth;
  note.duration = length * kSixteenth;
  note.pitch = static_cast<std::uint8_t>(pitch);
  track.notes.push_back(note);
}

/// Two bars of 3/4 in G major: a scale above two chords, the last of which rings into the second bar.
Score waltz() {
  Score score;
  score.meters = {{0, 3, 4}};
  score.tempos = {{0, 400000}};
  Track& melody = add_track(score, "Violin", 40, 0);
  for (int i = 0; i < 6; ++i) put(melody, 4 * i, 4, std::array{67, 69, 71, 72, 74, 67}[static_cast<std::size_t>(i)]);
  Track& chords = add_track(score, "Guitar", 24, 1);
  for (const int pitch : {43, 47, 50}) put(chords, 0, 16, pitch);
  for (const int pitch : {38, 42, 45}) put(chords, 18, 6, pitch);
  score.sort();
  return score;
}

TEST(BarGrid, SeparatesTheMelodyAndMovesThePieceToItsCommonKey) {
  const BarGrid grid = bar_grid(waltz());
  ASSERT_EQ(grid.bars.size(), 2u);
  EXPECT_EQ(grid.bars[0].meter, *grid_meter("3/4"));
  EXPECT_FALSE(grid.minor);
  EXPECT_EQ(grid.moved, 5);  // G to C, the short way
  EXPECT_NEAR(grid.tempo, 150, 1e-6);
  EXPECT_EQ(grid.bars[0].notes.front(), (BarNote{0, kGridMelody, 72, 4}));
  EXPECT_EQ(grid.bars[0].notes[1], (BarNote{0, kGridAccompaniment, 55, 16}));
  EXPECT_EQ(std::count_if(grid.bars[1].notes.begin(), grid.bars[1].notes.end(),
                          [](const BarNote& n) { return n.part == kGridAccompaniment && n.onset == 6; }),
            3);
}

TEST(BarGrid, ComesBackInItsOwnKeyWithEveryNote) {
  const Score score = waltz(), back = grid_score(bar_grid(score));
  ASSERT_EQ(back.tracks.size(), 2u);
  EXPECT_EQ(back.meter_at(0).numerator, 3);
  EXPECT_NEAR(back.tempos.front().bpm(), 150, 0.01);
  for (std::size_t t = 0; t < 2; ++t) {
    ASSERT_EQ(back.tracks[t].notes.size(), score.tracks[t].notes.size());
    for (std::size_t i = 0; i < score.tracks[t].notes.size(); ++i) {
      EXPECT_EQ(back.tracks[t].notes[i].start, score.tracks[t].notes[i].start);
      EXPECT_EQ(back.tracks[t].notes[i].duration, score.tracks[t].notes[i].duration);
      EXPECT_EQ(back.tracks[t].notes[i].pitch, score.tracks[t].notes[i].pitch);
    }
  }
}

TEST(BarGrid, RefusesAMeterThatItCannotSayAndNamesTheBar) {
  Score score = waltz();
  score.meters.push_back({12 * kSixteenth, 5, 4});
  try {
    bar_grid(score);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::unsupported);
    EXPECT_NE(std::string(e.what()).find("bar 2 is in 5/4"), std::string::npos) << e.what();
  }
  const auto stretches = bar_grid_stretches(score);
  ASSERT_EQ(stretches.size(), 1u);
  EXPECT_EQ(stretches[0].bars.size(), 1u);
}

TEST(BarGrid, LeavesOutDrumsThatShareATrackWithPitches) {
  const BarGrid without = bar_grid(waltz());
  Score score = waltz();
  Track& mixed = score.tracks.front();  // as in a file of format 0
  for (const int step : {0, 4, 12, 16}) {
    put(mixed, step, 1, 36);
    mixed.notes.back().channel = 9;
  }
  score.sort();
  EXPECT_EQ(bar_grid(score).bars, without.bars);
}

TEST(BarGrid, RefusesDrumsAlone) {
  Score score;
  Track& drums = add_track(score, "Drums", 0, 9);
  put(drums, 0, 4, 36);
  try {
    bar_grid(score);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::bad_input);
  }
}

TEST(BarGrid, KeepsTheLongestOfDoublesAndOrdersMelodyFirst) {
  GridBar bar{0,
              {{4, kGridAccompaniment, 50, 2},
               {4, kGridMelody, 70, 1},
               {4, kGridMelody, 70, 3},
               {0, kGridAccompaniment, 40, 1}}};
  sort_grid_bar(bar);
  const std::vector<BarNote> expected{
      {0, kGridAccompaniment, 40, 1}, {4, kGridMelody, 70, 3}, {4, kGridAccompaniment, 50, 2}};
  EXPECT_EQ(bar.notes, expected);
}

}  // namespace
}  // namespace euterpe
