// Variants of a score keep what makes it that music.
#include "corpus/augment_score.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <set>

#include "corpus/music.hpp"
#include "score/key.hpp"

namespace euterpe {
namespace {

Score piece(std::uint64_t seed) {
  Score score = test::walk(seed);
  score.keys = {{0, 2, false}, {960, -3, true}};
  Track& drums = add_track(score, "drums", 0, 9);
  drums.drums = true;
  for (int i = 0; i < 32; ++i) drums.notes.push_back({i * 240, 120, static_cast<std::uint8_t>(36 + i % 3), 90, 9});
  score.sort();
  return score;
}

const Track& tune(const Score& s) { return s.tracks[0].drums ? s.tracks[1] : s.tracks[0]; }
const Track& drums(const Score& s) { return s.tracks[0].drums ? s.tracks[0] : s.tracks[1]; }

RC_GTEST_PROP(TransposedScores, keep_count_intervals_times_and_drums, ()) {
  const Score before = piece(*rc::gen::arbitrary<std::uint64_t>());
  const int by = *rc::gen::inRange(-12, 13);
  const auto after = transpose(before, by);
  RC_ASSERT(after.has_value());
  RC_ASSERT(after->note_count() == before.note_count());
  for (std::size_t i = 0; i < tune(before).notes.size(); ++i) {
    RC_ASSERT(tune(*after).notes[i].pitch == tune(before).notes[i].pitch + by);
    RC_ASSERT(tune(*after).notes[i].start == tune(before).notes[i].start);
  }
  RC_ASSERT(drums(*after).notes == drums(before).notes);
  // The written key names the tonic that the notes have moved to, in the same mode.
  for (std::size_t k = 0; k < before.keys.size(); ++k) {
    RC_ASSERT(after->keys[k].minor == before.keys[k].minor);
    RC_ASSERT(std::abs(after->keys[k].fifths) <= 7);
    RC_ASSERT(((after->keys[k].fifths - before.keys[k].fifths) * 7 - by) % 12 == 0);
  }
  RC_ASSERT(transpose(*after, -by)->tracks == before.tracks);
}

TEST(TransposedScores, keep_their_mode_as_it_is_heard) {
  const Score before = test::walk(3, 32, 60);
  const KeyEstimate key = estimate_key(pitch_class_durations(before));
  const KeyEstimate moved = estimate_key(pitch_class_durations(*transpose(before, 5)));
  EXPECT_EQ(moved.minor, key.minor);
  EXPECT_EQ(moved.tonic, (key.tonic + 5) % 12);
}

TEST(TransposedScores, that_would_leave_the_range_are_refused) {
  Score score;
  add_track(score, "", 0, 0).notes = {{0, 480, 120, 80, 0}};
  EXPECT_TRUE(transpose(score, 7).has_value());
  EXPECT_FALSE(transpose(score, 8).has_value());
  EXPECT_FALSE(transpose(score, -121).has_value());
}

RC_GTEST_PROP(ScoresAtAnotherTempo, last_longer_by_the_factor_and_keep_every_tick, ()) {
  const Score before = piece(*rc::gen::arbitrary<std::uint64_t>());
  const double factor = *rc::gen::inRange(50, 200) / 100.0;
  const Score after = change_tempo(before, factor);
  RC_ASSERT(after.tracks == before.tracks);
  RC_ASSERT(std::abs(after.duration().value * factor / before.duration().value - 1) < 1e-4);
}

TEST(ScoresAtAnotherTempo, without_a_written_tempo_start_from_the_standards_default) {
  Score score;
  add_track(score, "", 0, 0).notes = {{0, 480, 60, 80, 0}};
  EXPECT_NEAR(change_tempo(score, 2).duration().value, 0.25, 1e-6);
}

TEST(JitteredVelocities, move_by_the_deviation_asked_for_and_nothing_else_moves) {
  const Score before = test::walk(1, 200);
  const Score after = jitter_velocity(before, 6, 11);
  double square = 0;
  const auto &a = before.tracks[0].notes, &b = after.tracks[0].notes;
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].pitch, b[i].pitch);
    EXPECT_EQ(a[i].start, b[i].start);
    EXPECT_EQ(a[i].duration, b[i].duration);
    square += std::pow(a[i].velocity - b[i].velocity, 2) / static_cast<double>(a.size());
  }
  EXPECT_NEAR(std::sqrt(square), 6, 0.5);
  EXPECT_EQ(jitter_velocity(before, 6, 11), after);
  const Score extreme = jitter_velocity(before, 500, 1);
  for (const Note& n : extreme.tracks[0].notes) EXPECT_TRUE(n.velocity >= 1 && n.velocity <= 127);
}

TEST(AugmentedScores, are_the_same_for_the_same_seed_and_reach_every_transposition) {
  const Score before = test::walk(1);
  std::set<int> steps;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Score after = augment(before, {}, seed);
    EXPECT_EQ(after, augment(before, {}, seed));
    EXPECT_EQ(after.note_count(), before.note_count());
    steps.insert(after.tracks[0].notes[0].pitch - before.tracks[0].notes[0].pitch);
  }
  EXPECT_EQ(steps, (std::set<int>{-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(augment(before, {.semitones = 0, .tempo = 0, .velocity = 0}, 1), before);
}

}  // namespace
}  // namespace euterpe
