#include "score/score.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "score/piano_roll.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

Score one_track(std::vector<Note> notes) {
  Score score;
  score.tracks.emplace_back().notes = std::move(notes);
  return score;
}

TEST(Score, CountsSecondsThroughTheTempoMap) {
  Score score;
  score.tempos = {{480, 1'000'000}, {960, 250'000}, {960, 250'000}};
  EXPECT_DOUBLE_EQ(score.seconds_at(Ticks(480)).value, 0.5);    // 120 a minute until the first tempo
  EXPECT_DOUBLE_EQ(score.seconds_at(Ticks(960)).value, 1.5);    // then 60
  EXPECT_DOUBLE_EQ(score.seconds_at(Ticks(1440)).value, 1.75);  // then 240
}

TEST(Score, FindsTheNearestTickOfATime) {
  Score score;
  score.tempos = {{0, 500'000}, {777, 321'123}, {5000, 900'000}};
  const TempoMap map(score);
  for (std::int64_t tick = 0; tick < 10'000; tick += 7) {
    EXPECT_EQ(map.tick_at(map.seconds_at(Ticks(tick))).value, tick);
    EXPECT_EQ(score.seconds_at(Ticks(tick)), map.seconds_at(Ticks(tick)));
  }
  EXPECT_EQ(score.tick_at(Seconds(-3)).value, 0);
  EXPECT_EQ(score.tick_at(Seconds(0.0001)).value, 0);
}

TEST(Score, OfTwoTemposAtOneTickTakesTheLast) {
  Score score;
  score.tempos = {{0, 1}, {0, 500'000}};
  EXPECT_DOUBLE_EQ(score.seconds_at(Ticks(480)).value, 0.5);
}

TEST(Score, LastsUntilItsLastNoteEnds) {
  const Score score = one_track({{0, 2000, 60}, {100, 10, 62}});
  EXPECT_EQ(score.end_tick(), 2000);
  EXPECT_DOUBLE_EQ(score.duration().value, 2000.0 / 960);
  EXPECT_EQ(Score{}.duration(), Seconds(0));
}

TEST(Score, DrawsBarLinesFromTheMeters) {
  Score score = one_track({{0, 5000, 60}});
  EXPECT_EQ(score.bar_lines(), (std::vector<std::int64_t>{0, 1920, 3840, 5760}));
  score.meters = {{0, 3, 4}, {2880, 6, 8}};
  EXPECT_EQ(score.bar_lines(), (std::vector<std::int64_t>{0, 1440, 2880, 4320, 5760}));
  EXPECT_EQ(score.meter_at(2879).numerator, 3);
  EXPECT_EQ(score.meter_at(2880).numerator, 6);
}

TEST(Score, BeginsABarWhereTheMeterChangesInsideOne) {
  Score score = one_track({{0, 3000, 60}});
  score.meters = {{0, 4, 4}, {1000, 2, 4}};
  EXPECT_EQ(score.bar_lines(), (std::vector<std::int64_t>{0, 1000, 1960, 2920, 3880}));
}

TEST(Score, DoesNotAddUpRoundingWhereBarsAreNoWholeTicks) {
  Score score = one_track({{0, 100, 60}});
  score.ticks_per_quarter = 10;
  score.meters = {{0, 3, 16}};  // 7.5 ticks a bar
  const auto lines = score.bar_lines();
  EXPECT_EQ(lines.at(1), 8);
  EXPECT_EQ(lines.at(2), 15);
  EXPECT_EQ(lines.at(4), 30);
}

TEST(Score, HasOneBarLineWithoutNotes) { EXPECT_EQ(Score{}.bar_lines(), (std::vector<std::int64_t>{0})); }

TEST(Score, RefusesToDrawBarLinesWithoutEnd) {
  Score score = one_track({{std::int64_t{1} << 40, 1, 60}});
  score.ticks_per_quarter = 1;
  score.meters = {{0, 1, 128}};
  EXPECT_THROW(score.bar_lines(), Error);
}

TEST(Score, MergesTracksWithoutDrumsUnlessAskedFor) {
  Score score;
  add_track(score, "a", 0, 0).notes = {{10, 5, 60}, {20, 5, 60}};
  add_track(score, "b", 0, 1).notes = {{0, 5, 50, 80, 1}, {15, 5, 50, 80, 9}};  // one of them on channel 10
  add_track(score, "drums", 0, 9).notes = {{5, 5, 38, 80, 9}};
  std::vector<std::int64_t> starts, all;
  for (const Note& n : score.merged_notes()) starts.push_back(n.start);
  for (const Note& n : score.merged_notes(true)) all.push_back(n.start);
  EXPECT_EQ(starts, (std::vector<std::int64_t>{0, 10, 20}));
  EXPECT_EQ(all, (std::vector<std::int64_t>{0, 5, 10, 15, 20}));
}

TEST(Score, SortsNotesByTimeAndKeepsTheOrderOfEventsOfOneTick) {
  Score score = one_track({{10, 1, 60}, {0, 5, 72}, {0, 5, 48}});
  score.tracks[0].events = {{5, 0xB0, 0, 7, 1}, {0, 0xC0, 0, 9, 0}, {5, 0xB0, 0, 7, 0}};
  score.sort();
  EXPECT_EQ(score.tracks[0].notes, (std::vector<Note>{{0, 5, 48}, {0, 5, 72}, {10, 1, 60}}));
  EXPECT_EQ(score.tracks[0].events,
            (std::vector<ChannelEvent>{{0, 0xC0, 0, 9, 0}, {5, 0xB0, 0, 7, 1}, {5, 0xB0, 0, 7, 0}}));
}

TEST(Score, ExchangesTheEndsOfNestedNotesOfOneKeyOnly) {
  Score nested = one_track({{0, 100, 60}, {10, 20, 60}, {10, 20, 61}, {40, 0, 60}});
  nested.tracks[0].notes.push_back({15, 5, 60, 80, 1});
  nested.sort();
  EXPECT_EQ(nested.tracks[0].notes,
            (std::vector<Note>{{0, 30, 60}, {10, 30, 60}, {10, 20, 61}, {15, 5, 60, 80, 1}, {40, 60, 60}}));
}

TEST(Score, AddsATrackThatSaysItsNameAndProgram) {
  Score score;
  const Track track = add_track(score, "Kit", 3, 9);
  EXPECT_TRUE(track.drums);
  EXPECT_EQ(track.program, 3);
  EXPECT_EQ(track.events, (std::vector<ChannelEvent>{{0, 0xC0, 9, 3, 0}}));
  EXPECT_EQ(track.texts, (std::vector<TextEvent>{{0, 0x03, "Kit"}}));
  EXPECT_TRUE(add_track(score, "", 0, 0).texts.empty());
}

TEST(PianoRoll, HoldsEachNoteFromItsFirstStepToItsLast) {
  Score score = one_track({{0, 480, 60, 90}, {475, 1, 64, 30}, {480, 480, 60, 50}});
  score.sort();
  const PianoRoll roll = piano_roll(score, 4);
  ASSERT_EQ(roll.steps, 8);
  ASSERT_EQ(roll.velocity.size(), 8u * 128);
  EXPECT_EQ(roll.at(0, 60), 90);
  EXPECT_EQ(roll.at(3, 60), 90);
  EXPECT_EQ(roll.at(4, 60), 50);
  EXPECT_EQ(roll.at(4, 64), 30);  // shorter than a step: one step, the nearest
  EXPECT_EQ(roll.at(3, 64), 0);
  EXPECT_TRUE(roll.begins(0, 60));
  EXPECT_FALSE(roll.begins(1, 60));
  EXPECT_TRUE(roll.begins(4, 60));
}

TEST(PianoRoll, LeavesDrumsOutUnlessAskedForAndIsEmptyWithoutNotes) {
  Score score;
  add_track(score, "", 0, 9).notes = {{0, 10, 36, 80, 9}};
  EXPECT_EQ(piano_roll(score).steps, 0);
  EXPECT_EQ(piano_roll(score, 4, true).at(0, 36), 80);
}

TEST(PianoRoll, RefusesAScoreWithoutEnd) {
  EXPECT_THROW(piano_roll(one_track({{std::int64_t{1} << 50, 1, 60}})), Error);
}

}  // namespace
}  // namespace euterpe
