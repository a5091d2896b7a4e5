#include "score/descriptors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.hpp"

namespace euterpe {
namespace {

Score one_track(std::vector<Note> notes, int ticks_per_quarter = 480) {
  Score score;
  score.ticks_per_quarter = ticks_per_quarter;
  score.tracks.push_back({});
  score.tracks[0].notes = std::move(notes);
  return score;
}

std::vector<GridNote> random_music(std::uint64_t seed, int bars) {
  Random random(seed);
  std::vector<GridNote> notes;
  for (int t = 0; t < bars * 16; ++t)
    for (int pitch = 48; pitch < 76; ++pitch)
      if (random.uniform() < 0.03) notes.push_back({t, 1 + static_cast<int>(random.below(8)), pitch});
  return notes;
}

double feature(const std::vector<GridNote>& notes, const std::string& name) {
  const auto& names = score_feature_names();
  const auto at = std::find(names.begin(), names.end(), name);
  EXPECT_NE(at, names.end()) << name;
  return score_features(notes)[static_cast<std::size_t>(at - names.begin())];
}

TEST(GridNotes, RoundsToSixteenthsAndKeepsShortNotesAlive) {
  const auto notes = grid_notes(one_track({{0, 480, 60}, {130, 10, 62}, {475, 245, 64}}));
  EXPECT_EQ(notes, (std::vector<GridNote>{{0, 4, 60}, {1, 1, 62}, {4, 2, 64}}));
}

TEST(GridNotes, MergesTracksDropsDrumsAndKeepsTheLongestDouble) {
  Score score = one_track({{0, 240, 60}, {0, 960, 60}});
  score.tracks.push_back({});
  score.tracks[1].notes = {{0, 480, 60}, {0, 120, 48}};
  score.tracks.push_back({});
  score.tracks[2].drums = true;
  score.tracks[2].notes = {{0, 120, 36}};
  EXPECT_EQ(grid_notes(score), (std::vector<GridNote>{{0, 1, 48}, {0, 8, 60}}));
}

TEST(GridNotes, DoesNotDependOnTheTicksOfTheFile) {
  EXPECT_EQ(grid_notes(one_track({{96, 48, 60}, {144, 24, 67}}, 96)),
            grid_notes(one_track({{960, 480, 60}, {1440, 240, 67}}, 960)));
}

TEST(GridNotes, ClampsNotesHoursAwayInsteadOfOverflowing) {
  const auto notes = grid_notes(one_track({{std::int64_t{1} << 55, std::int64_t{1} << 55, 60}}, 1));
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_GT(notes[0].onset, 0);
  EXPECT_GE(notes[0].length, 1);
  for (float v : score_features(notes)) EXPECT_TRUE(std::isfinite(v));
}

TEST(GridWindow, TakesNotesThatBeginInsideAndCutsThemAtItsEnd) {
  const std::vector<GridNote> notes{{0, 40, 60}, {16, 4, 62}, {30, 10, 64}, {32, 4, 65}};
  EXPECT_EQ(grid_window(notes, 16, 32), (std::vector<GridNote>{{0, 4, 62}, {14, 2, 64}}));
}

TEST(ScoreFeatures, HaveOneUniqueNameEach) {
  const auto& names = score_feature_names();
  EXPECT_EQ(score_features(random_music(1, 4)).size(), names.size());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST(ScoreFeatures, AreFiniteForEmptyAndTinyAndRandomInput) {
  for (const auto& notes :
       {std::vector<GridNote>{}, {{0, 1, 0}}, {{5, 1, 127}}, random_music(2, 1), random_music(3, 16)})
    for (float v : score_features(notes)) EXPECT_TRUE(std::isfinite(v));
}

TEST(ScoreFeatures, ChangeOnlyInRegisterWhenTransposed) {
  const auto notes = random_music(4, 8);
  auto higher = notes;
  for (GridNote& note : higher) note.pitch += 5;
  const auto a = score_features(notes), b = score_features(higher);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool is_register = score_feature_names()[i].starts_with("register.");
    EXPECT_NEAR(b[i] - a[i], is_register ? 5 / 12.0 : 0, 1e-4) << score_feature_names()[i];
  }
}

TEST(ScoreFeatures, DoNotChangeWhenTheBarLineMovesByABeat) {
  const auto notes = random_music(5, 8);
  auto later = notes;
  for (GridNote& note : later) note.onset += 12;
  const auto a = score_features(notes), b = score_features(later);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(b[i], a[i], 1e-4) << score_feature_names()[i];
}

TEST(ScoreFeatures, HearAScaleARepeatAndAChord) {
  std::vector<GridNote> scale, repeated, chords;
  for (int i = 0; i < 32; ++i) scale.push_back({i * 2, 2, 40 + i});
  for (int i = 0; i < 64; ++i) repeated.push_back({i * 2, 2, 60 + i % 8});
  for (int i = 0; i < 8; ++i)
    for (int pitch : {60, 64, 67}) chords.push_back({i * 4, 4, pitch});
  EXPECT_NEAR(feature(scale, "top.interval.13"), 1, 1e-6);  // +1 semitone
  EXPECT_NEAR(feature(repeated, "repeat.notes.16"), 1, 1e-6);
  EXPECT_NEAR(feature(scale, "repeat.notes.16"), 0, 1e-6);
  EXPECT_NEAR(feature(chords, "texture.chord_size.2"), 1, 1e-6);  // three notes
  EXPECT_NEAR(feature(chords, "texture.over_lowest.4"), 0.5, 1e-6);
  EXPECT_NEAR(feature(chords, "texture.equal_lengths"), 1, 1e-6);
}

TEST(ScoreStatistics, AgreeWithAPassageCountedByHand) {
  // Bar 0: C D E F as quarters; bar 1: the same onsets, one sixteenth each, G A B C#; bar 2 empty.
  std::vector<GridNote> notes;
  const int first[] = {60, 62, 64, 65}, second[] = {67, 69, 71, 73};
  for (int i = 0; i < 4; ++i) notes.push_back({i * 4, 4, first[i]});
  for (int i = 0; i < 4; ++i) notes.push_back({16 + i * 4, 1, second[i]});
  const auto s = score_statistics(notes, 3);
  EXPECT_NEAR(s.at("pitch_class_entropy"), 3, 1e-9);      // eight classes alike: log₂ 8
  EXPECT_NEAR(s.at("scale_consistency"), 7.0 / 8, 1e-9);  // C major without C#
  EXPECT_NEAR(s.at("groove_consistency"), 1 - (0 + 4) / 32.0,
              1e-9);  // pairs (0, 1) equal, (1, 2) differ in four places
  EXPECT_NEAR(s.at("polyphony"), 1, 1e-9);
  EXPECT_NEAR(s.at("notes_per_bar"), 8.0 / 3, 1e-9);
  EXPECT_NEAR(s.at("pitch_range"), 13, 1e-9);
  EXPECT_NEAR(s.at("qualified_note_rate"), 0.5, 1e-9);
  EXPECT_NEAR(s.at("empty_bar_rate"), 1.0 / 3, 1e-9);
}

TEST(ScoreStatistics, CountAHeldNoteAsSoundingInTheNextBar) {
  const std::vector<GridNote> notes{{0, 32, 60}, {0, 16, 64}};
  const auto s = score_statistics(notes, 2);
  EXPECT_NEAR(s.at("empty_bar_rate"), 0, 1e-9);
  EXPECT_NEAR(s.at("polyphony"), 1.5, 1e-9);
}

TEST(ScoreStatistics, AreFiniteForSilence) {
  for (int bars : {0, 1, 4})
    for (const auto& [name, value] : score_statistics({}, bars)) EXPECT_TRUE(std::isfinite(value)) << name;
  EXPECT_EQ(score_statistics({}, 4).at("empty_bar_rate"), 1);
}

}  // namespace
}  // namespace euterpe
