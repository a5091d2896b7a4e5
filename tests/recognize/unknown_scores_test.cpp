#include "recognize/unknown_scores.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace euterpe {
namespace {

/// A scale up and down in quarters over a drum beat.
Score tune(int notes) {
  Score score;
  add_track(score, "melody", 73, 0);
  add_track(score, "drums", 0, 9);
  Track &melody = score.tracks[0], &drums = score.tracks[1];
  static constexpr int kScale[] = {60, 62, 64, 65, 67, 69, 71, 72};
  for (int i = 0; i < notes; ++i) {
    melody.notes.push_back({i * 480, 480, static_cast<std::uint8_t>(kScale[i % 8]), 80, 0});
    drums.notes.push_back({i * 480, 240, static_cast<std::uint8_t>(i % 2 ? 38 : 36), 90, 9});
  }
  score.sort();
  return score;
}

std::multiset<int> pitches(const Track& track) {
  std::multiset<int> all;
  for (const Note& note : track.notes) all.insert(note.pitch);
  return all;
}

TEST(UnlikeScores, KeepTracksAndNumberOfNotesButAreNotTheTune) {
  const std::vector<Score> real{tune(64)};
  for (const Score& score : unlike_scores(real, 16, 1)) {
    ASSERT_EQ(score.tracks.size(), 2U);
    EXPECT_EQ(score.tracks[0].notes.size(), 64U);
    EXPECT_EQ(score.tracks[0].program, 73);
    EXPECT_TRUE(score.tracks[1].drums);
    EXPECT_NE(score.tracks[0].notes, real[0].tracks[0].notes);
    for (const Note& note : score.tracks[1].notes) EXPECT_TRUE(note.pitch >= 35 && note.pitch <= 59);
  }
}

TEST(UnlikeScores, ShuffledPitchesAreThoseOfTheTune) {
  const std::vector<Score> real{tune(64)};
  EXPECT_EQ(pitches(unlike_scores(real, 2, 1)[1].tracks[0]), pitches(real[0].tracks[0]));
}

TEST(UnlikeScores, OnePitchIsOnePitch) {
  const std::vector<Score> real{tune(64)};
  const auto all = pitches(unlike_scores(real, 3, 1)[2].tracks[0]);
  EXPECT_EQ(all.count(*all.begin()), 64U);
}

TEST(UnlikeScores, LongPiecesGivePassages) {
  const std::vector<Score> real{tune(3000)};
  for (const Score& score : unlike_scores(real, 8, 2)) {
    EXPECT_NEAR(static_cast<double>(score.note_count()), kUnlikeNotes, 2);  // a chord is taken whole
  }
}

TEST(UnlikeScores, TheSameSeedGivesTheSameScoresAndOneNoteIsEnough) {
  const std::vector<Score> real{tune(1), Score{}, tune(40)};
  EXPECT_EQ(unlike_scores(real, 12, 5), unlike_scores(real, 12, 5));
  EXPECT_NE(unlike_scores(real, 12, 5), unlike_scores(real, 12, 6));
}

}  // namespace
}  // namespace euterpe
