#include "score/remi_chords.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace euterpe {
namespace {

TEST(RemiChords, are_read_as_musicians_write_them) {
  const auto bars = parse_bar_chords("| C | Am F#m7 | Bb7/D  | N | % | Ebmaj7 A:min7 |");
  ASSERT_EQ(bars.size(), 6u);
  EXPECT_EQ(bars[0], (BarChords{{0, ChordQuality::major}}));
  EXPECT_EQ(bars[1], (BarChords{{9, ChordQuality::minor}, {6, ChordQuality::minor7}}));
  EXPECT_EQ(bars[2], (BarChords{{10, ChordQuality::dominant7}}));
  EXPECT_EQ(bars[3], BarChords{Chord{}});
  EXPECT_EQ(bars[4], bars[3]);
  EXPECT_EQ(bars[5], (BarChords{{3, ChordQuality::major7}, {9, ChordQuality::minor7}}));
  EXPECT_EQ(parse_bar_chords("G G").front().size(), 1u);
  for (const char* bad : {"", "|", "C | H", "C D E", "C || F", "Cfoo", "c", "C | | F", "X:maj"})
    EXPECT_THROW(parse_bar_chords(bad), Error) << bad;
}

TEST(RemiChords, stand_for_themselves_as_tokens) {
  for (int value = 0; value < kChordTokens; ++value) EXPECT_EQ(chord_value(chord_of_value(value)), value);
  EXPECT_EQ(chord_of_value(chord_value({4, ChordQuality::other})), Chord{});
  EXPECT_EQ(chord_of_value(chord_value({4, ChordQuality::minor, 3})), (Chord{4, ChordQuality::minor}));
}

TEST(RemiChords, of_a_score_stand_in_their_bars_and_halves) {
  Score score;
  score.meters = {{0, 4, 4}};
  Track& track = add_track(score, "", 0, 0);
  const auto strike = [&](std::int64_t start, std::int64_t length, std::initializer_list<int> pitches) {
    for (int p : pitches) track.notes.push_back({start, length, static_cast<std::uint8_t>(p), 80, 0});
  };
  strike(0, 1920, {48, 60, 64, 67});     // C
  strike(1920, 960, {45, 60, 64, 69});   // Am
  strike(2880, 960, {41, 60, 65, 69});   // F
  strike(3840, 1920, {43, 59, 62, 67});  // G
  score.sort();
  const auto bars = bar_chords(score);
  ASSERT_EQ(bars.size(), 3u);
  EXPECT_EQ(bars[0], (BarChords{{0, ChordQuality::major}}));
  EXPECT_EQ(bars[1], (BarChords{{9, ChordQuality::minor}, {5, ChordQuality::major}}));
  EXPECT_EQ(bars[2], (BarChords{{7, ChordQuality::major}}));
}

}  // namespace
}  // namespace euterpe
