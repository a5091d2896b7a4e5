#include "recognize/saliency_score.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace euterpe {
namespace {

/// Eighths in two hands over `bars` bars of 4/4, and a few high notes in bar 4.
Score piece(int bars) {
  Score score;
  Track& right = add_track(score, "right", 0, 0);
  for (int i = 0; i < 8 * bars; ++i)
    right.notes.push_back(
        {i * 240, 240, static_cast<std::uint8_t>(i / 8 == 3 && i % 2 == 0 ? 90 : 62 + i % 5), 80, 0, 64});
  Track& left = add_track(score, "left", 0, 1);
  for (int i = 0; i < 4 * bars; ++i)
    left.notes.push_back({i * 480, 480, static_cast<std::uint8_t>(40 + i % 4), 80, 1, 64});
  score.sort();
  return score;
}

/// Surer the more notes it reads above C6, and sees nothing else.
std::vector<double> likes_high_notes(const Score& score) {
  int high = 0;
  for (const Note& note : score.merged_notes()) high += note.pitch > 84;
  const double p = 1 / (1 + std::exp(-(high - 1.0)));
  return {p, 1 - p};
}

TEST(SaliencyScore, FindsTheNotesThatTheModelLooksAtAndTheirBar) {
  const Score score = piece(8);
  const ScoreSaliency found = explain_score(score, likes_high_notes);
  for (std::size_t k = 0; k < 4; ++k) {
    const NotePlace& place = found.notes[found.salient[k]];
    EXPECT_EQ(place.track, 0U);
    EXPECT_EQ(score.tracks[place.track].notes[place.note].pitch, 90) << k;
  }
  EXPECT_EQ(std::ranges::max_element(found.bar_weights) - found.bar_weights.begin(), 3);
}

TEST(SaliencyScore, BarsWeighWhatTheirNotesWeigh) {
  const ScoreSaliency found = explain_score(piece(5), likes_high_notes);
  EXPECT_EQ(found.bar_weights.size(), 5U);
  EXPECT_NEAR(std::accumulate(found.bar_weights.begin(), found.bar_weights.end(), 0.0),
              std::accumulate(found.weights.begin(), found.weights.end(), 0.0), 1e-9);
}

TEST(SaliencyScore, NotesAreTakenAwayAndNothingElse) {
  Score score = piece(2);
  const auto places = note_places(score);
  ASSERT_EQ(places.size(), score.note_count());
  std::vector<std::uint8_t> without(places.size(), 0);
  EXPECT_EQ(without_notes(score, places, without), score);
  without[3] = 1;
  const Score rest = without_notes(score, places, without);
  EXPECT_EQ(rest.note_count(), score.note_count() - 1);
  auto& notes = score.tracks[places[3].track].notes;
  notes.erase(notes.begin() + places[3].note);
  EXPECT_EQ(rest, score);
}

TEST(SaliencyScore, OneNoteNoNoteAndDrumsAloneHaveFiniteWeights) {
  EXPECT_TRUE(explain_score(Score{}, likes_high_notes).weights.empty());
  EXPECT_TRUE(explain_score(Score{}, likes_high_notes).bar_weights.empty());
  Score one;
  add_track(one, "", 0, 0).notes.push_back({5000, 10, 100, 80, 0, 64});
  const ScoreSaliency found = explain_score(one, likes_high_notes);
  ASSERT_EQ(found.weights.size(), 1U);
  EXPECT_EQ(found.bars[0], 2U);
  EXPECT_TRUE(std::isfinite(found.weights[0]));
  Score drums;
  Track& kit = add_track(drums, "kit", 0, 9);
  for (int i = 0; i < 16; ++i) kit.notes.push_back({i * 240, 0, static_cast<std::uint8_t>(36 + i % 3), 80, 9, 64});
  kit.drums = true;
  for (const double w : explain_score(drums, likes_high_notes).weights) EXPECT_TRUE(std::isfinite(w));
}

TEST(SaliencyScore, TheNumbersNameBarsAndNotes) {
  const Score score = piece(8);
  const std::vector<std::string> labels{"high", "low"};
  const auto json = to_json(explain_score(score, likes_high_notes), score, labels, 2);
  EXPECT_EQ(json["answer"], "high");
  EXPECT_EQ(json["bars"][0]["bar"], 4);
  EXPECT_EQ(json["bars"][0]["begin"], 6.0);
  EXPECT_EQ(json["bars"][0]["end"], 8.0);
  ASSERT_EQ(json["notes"].size(), 2U);
  EXPECT_EQ(json["notes"][0]["name"], "F#6");
  EXPECT_EQ(json["notes"][0]["track"], 1);
}

}  // namespace
}  // namespace euterpe
