#include "score/score_description.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace euterpe {
namespace {

void strike(Track& track, std::int64_t start, std::int64_t length, std::initializer_list<int> pitches) {
  for (const int pitch : pitches) track.notes.push_back({start, length, static_cast<std::uint8_t>(pitch), 80, 0, 64});
}

TEST(Describe, tells_one_voice_from_chords_and_from_voices_that_move_alone) {
  Score one, chords, voices;
  Track &a = add_track(one, "", 0, 0), &b = add_track(chords, "", 0, 0), &c = add_track(voices, "", 0, 0);
  for (std::int64_t beat = 0; beat < 16; ++beat) {
    strike(a, beat * 480, 480, {60 + static_cast<int>(beat % 5)});
    strike(b, beat * 480, 480, {48, 64, 67});
    strike(c, beat * 480, 480, {72 + static_cast<int>(beat % 3)});
    strike(c, beat * 480 + 240, 480, {55 - static_cast<int>(beat % 4)});
  }
  voices.sort();
  EXPECT_EQ(describe(one)["texture_monophonic"], 1);
  EXPECT_EQ(describe(chords)["texture_homophonic"], 1);
  EXPECT_GT(describe(voices)["texture_polyphonic"], 0.9);
  EXPECT_EQ(describe(one)["polyphony"], 1);
  EXPECT_NEAR(describe(chords)["polyphony"], 3, 1e-6);
}

TEST(Describe, gives_range_density_and_where_notes_begin) {
  Score score;  // 120 bpm
  Track& lead = add_track(score, "", 0, 0);
  strike(lead, 0, 240, {60});
  strike(lead, 240, 240, {72});
  strike(lead, 480, 480, {67});
  strike(lead, 960, 120, {64});
  strike(lead, 1080, 840, {65});
  auto figures = describe(score);
  EXPECT_EQ(figures["ambitus_lowest"], 60);
  EXPECT_EQ(figures["ambitus_highest"], 72);
  EXPECT_EQ(figures["ambitus"], 12);
  EXPECT_EQ(figures["melody_range"], 12);
  EXPECT_EQ(figures["melody_share"], 1);
  EXPECT_DOUBLE_EQ(figures["notes_per_second"], 2.5);
  EXPECT_DOUBLE_EQ(figures["notes_per_beat"], 1.25);
  EXPECT_DOUBLE_EQ(figures["onsets_on_beat"], 0.6);
  EXPECT_DOUBLE_EQ(figures["onsets_on_half_beat"], 0.2);
  EXPECT_DOUBLE_EQ(figures["onsets_between"], 0.2);
  EXPECT_EQ(figures["velocity_mean"], 80);
  EXPECT_EQ(figures["velocity_deviation"], 0);
}

TEST(Describe, names_the_same_figures_for_an_empty_score_all_zero) {
  Score score;
  strike(add_track(score, "", 0, 0), 0, 480, {60});
  const auto some = describe(score), none = describe(Score{});
  EXPECT_EQ(some.size(), none.size());
  for (const auto& [name, value] : none) {
    EXPECT_EQ(value, 0) << name;
    EXPECT_TRUE(some.contains(name)) << name;
    EXPECT_TRUE(std::isfinite(some.at(name))) << name;
  }
}

}  // namespace
}  // namespace euterpe
