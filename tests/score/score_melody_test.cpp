#include "score/score_melody.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "score/midi.hpp"

namespace euterpe {
namespace {

/// A tune above chords in quarters; the tune rests in the second half of each bar.
void add_tune(Track& track) {
  for (std::int64_t bar = 0; bar < 4; ++bar)
    for (std::int64_t i = 0; i < 4; ++i)
      track.notes.push_back({bar * 1920 + i * 240, 240, static_cast<std::uint8_t>(76 + i), 80, 0, 64});
}
void add_chords(Track& track) {
  for (std::int64_t beat = 0; beat < 16; ++beat)
    for (const std::uint8_t pitch : {48, 52, 55}) track.notes.push_back({beat * 480, 480, pitch, 80, 0, 64});
}

TEST(ScoreMelody, is_the_part_that_sings) {
  Score score;
  add_chords(add_track(score, "", 0, 0));
  add_tune(add_track(score, "", 0, 1));
  add_track(score, "", 0, 9).notes.push_back({0, 1920, 100, 80, 9, 64});
  score.sort();
  const ScoreMelody melody = score_melody(score);
  EXPECT_EQ(melody.track, 1u);
  EXPECT_EQ(melody.notes.size(), 16u);
}

TEST(ScoreMelody, is_the_highest_line_where_all_is_one_part_without_what_accompanies) {
  Score score;
  Track& piano = add_track(score, "", 0, 0);
  add_chords(piano);
  add_tune(piano);
  score.sort();
  const ScoreMelody melody = score_melody(score);
  EXPECT_FALSE(melody.track);
  ASSERT_EQ(melody.notes.size(), 16u);
  for (const Note& n : melody.notes) EXPECT_GE(n.pitch, 76);
}

TEST(ScoreMelody, sounds_one_note_at_a_time) {
  Score score;
  Track& lead = add_track(score, "", 0, 0);
  lead.notes = {{0, 600, 72, 80, 0, 64}, {480, 480, 74, 80, 0, 64}};  // held into the next
  const ScoreMelody melody = score_melody(score);
  ASSERT_EQ(melody.notes.size(), 2u);
  EXPECT_EQ(melody.notes[0].end(), 480);
}

TEST(MelodyTrack, is_the_melody_in_hertz_over_seconds) {
  Score score;  // 120 bpm
  add_track(score, "", 0, 0).notes = {{480, 480, 69, 80, 0, 64}};
  const MelodyTrack curve = melody_track(score, score_melody(score));
  ASSERT_EQ(curve.hz.size(), 100u);
  EXPECT_EQ(curve.hz[49], 0);
  EXPECT_FLOAT_EQ(curve.hz[50], 440);
  EXPECT_FLOAT_EQ(curve.hz[99], 440);
  EXPECT_TRUE(melody_track(Score{}, score_melody(Score{})).hz.empty());
}

TEST(MelodyTrack, stays_small_for_a_score_of_absurd_length) {
  Score score;
  score.ticks_per_quarter = 1;
  add_track(score, "", 0, 0).notes = {{1LL << 40, 480, 69, 80, 0, 64}};
  EXPECT_LE(melody_track(score, score_melody(score)).hz.size(), 4'000'001u);
}

TEST(ScoreMelody, is_the_tune_of_pop909s_songs) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data || !std::filesystem::exists(std::filesystem::path(data) / "pop909")) GTEST_SKIP() << "no pop909";
  int named = 0;
  for (int song = 1; song <= 40; ++song) {
    const std::string name = fmt::format("{:03}", song);
    const Score score = read_midi(std::filesystem::path(data) / "pop909" / name / (name + ".mid")).score;
    const ScoreMelody melody = score_melody(score);
    named += melody.track && score.tracks[*melody.track].name == "MELODY";
  }
  EXPECT_GE(named, 34);
}

}  // namespace
}  // namespace euterpe
