#include "nn/phrase_roll.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace euterpe {
namespace {

float value(const std::vector<float>& roll, int channel, int step, int pitch) {
  return roll[(static_cast<std::size_t>(channel) * kPhraseSteps + static_cast<std::size_t>(step)) * kRollPitches +
              static_cast<std::size_t>(pitch - kLowestRollPitch)];
}

std::vector<GridBar> bars_of(int meter) { return std::vector<GridBar>(kPhraseBars, GridBar{meter, {}}); }

TEST(PhraseRoll, notes_come_back_from_the_roll_repeated_held_and_across_bar_lines_in_every_meter) {
  for (std::size_t meter = 0; meter < grid_meters().size(); ++meter) {
    const int steps = grid_meters()[meter].steps;
    auto bars = bars_of(static_cast<int>(meter));
    bars[0].notes = {{0, kGridMelody, 72, 2},
                     {0, kGridAccompaniment, 48, 1},
                     {1, kGridAccompaniment, 48, 3},  // struck again at once
                     {2, kGridMelody, 72, 1}};
    bars[1].notes = {{steps - 2, kGridMelody, 76, 4}};  // two sixteenths into the next bar
    bars[3].notes = {{steps - 1, kGridAccompaniment, 36, 1}};
    const std::vector<float> roll = phrase_roll(bars);
    EXPECT_EQ(roll_bars(roll, static_cast<int>(meter)), bars) << meter;
    for (int s = steps; s < kMostGridSteps; ++s)
      for (int pitch = 24; pitch < 96; ++pitch)
        for (int c = 0; c < kRollChannels; ++c) ASSERT_EQ(value(roll, c, kMostGridSteps + s, pitch), 0) << s;
    EXPECT_EQ(value(roll, kMelodySounds, 2 * kMostGridSteps, 76), 1);
    EXPECT_EQ(value(roll, kMelodyOnset, 2 * kMostGridSteps, 76), 0);
  }
}

TEST(PhraseRoll, the_melody_has_one_note_at_a_time) {
  auto bars = bars_of(0);
  bars[0].notes = {{0, kGridMelody, 72, 8}, {0, kGridMelody, 67, 8}, {4, kGridMelody, 74, 2}};
  auto sung = bars_of(0);
  sung[0].notes = {{0, kGridMelody, 72, 4}, {4, kGridMelody, 74, 2}};
  EXPECT_EQ(roll_bars(phrase_roll(bars), 0), sung);
}

TEST(PhraseRoll, what_lies_beyond_it_moves_by_octaves_and_is_cut_at_the_end) {
  auto bars = bars_of(0);
  bars[0].notes = {{0, kGridMelody, 108, 1}};
  bars[3].notes = {{15, kGridAccompaniment, 21, 9}};
  auto inside = bars_of(0);
  inside[0].notes = {{0, kGridMelody, 84, 1}};
  inside[3].notes = {{15, kGridAccompaniment, 33, 1}};
  EXPECT_EQ(roll_bars(phrase_roll(bars), 0), inside);
}

TEST(PhraseRoll, sound_that_begins_without_an_onset_is_a_note_all_the_same) {
  std::vector<float> roll(kPhraseValues);
  for (const int step : {3, 4, 5}) roll[static_cast<std::size_t>(step * kRollPitches + 60 - kLowestRollPitch)] = 1;
  auto bars = bars_of(0);
  bars[0].notes = {{3, kGridMelody, 60, 3}};
  EXPECT_EQ(roll_bars(roll, 0), bars);
}

TEST(PhraseRoll, the_step_before_a_bar_is_the_last_that_is_filled) {
  const std::vector<int> before = steps_before(*grid_meter("3/4"));
  EXPECT_EQ(before[0], -1);
  EXPECT_EQ(before[1], 0);
  EXPECT_EQ(before[16], 11);
  EXPECT_EQ(before[12], -1);  // not filled
}

}  // namespace
}  // namespace euterpe
