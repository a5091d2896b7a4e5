#include "evaluate/memorised.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace euterpe {
namespace {

std::vector<GridNote> melody(std::uint64_t seed, int sixteenths) {
  Random random(seed);
  std::vector<GridNote> out;
  for (int at = 0; at < sixteenths;) {
    const int length = 1 + static_cast<int>(random.below(4));
    out.push_back({at, length, 60 + static_cast<int>(random.below(20))});
    at += length;
  }
  return out;
}

std::vector<GridNote> part(const std::vector<GridNote>& notes, int from, int to, int later, int higher) {
  std::vector<GridNote> out;
  for (const GridNote& n : notes)
    if (n.onset >= from && n.onset < to) out.push_back({n.onset - from + later, n.length, n.pitch + higher});
  return out;
}

TEST(MemorisedWindows, knows_what_stands_anywhere_in_the_training_set_in_any_key) {
  const std::vector<std::vector<GridNote>> training{melody(1, 400), melody(2, 400)};
  MemorisedWindows known(training);
  // Two bars from the 37th sixteenth on, a fourth up, then two bars of other music.
  BarredPassage passage{part(training[1], 37, 69, 0, 5), 16, 4};
  for (const GridNote& n : part(melody(9, 40), 0, 32, 32, 0)) passage.notes.push_back(n);
  const auto one = known.count({&passage, 1}, 1), two = known.count({&passage, 1}, 2),
             four = known.count({&passage, 1}, 4);
  EXPECT_EQ(one.windows, 4u);
  EXPECT_EQ(one.known, 2u);
  EXPECT_EQ(two.windows, 3u);
  EXPECT_EQ(two.known, 1u);
  EXPECT_EQ(four.windows, 1u);
  EXPECT_EQ(four.known, 0u);
  EXPECT_DOUBLE_EQ(*one.share(), 0.5);
}

TEST(MemorisedWindows, windows_are_as_long_as_the_bars_of_the_piece) {
  const std::vector<std::vector<GridNote>> training{melody(3, 400)};
  MemorisedWindows known(training);
  const BarredPassage jig{part(training[0], 100, 148, 0, -2), 12, 4};
  EXPECT_EQ(known.count({&jig, 1}, 2).windows, 3u);
  EXPECT_EQ(known.count({&jig, 1}, 4).known, 1u);
}

TEST(MemorisedWindows, one_pitch_one_onset_or_one_length_makes_it_another_window) {
  const std::vector<std::vector<GridNote>> training{melody(4, 200)};
  MemorisedWindows known(training);
  const auto copy = part(training[0], 16, 32, 0, 0);
  EXPECT_EQ(known.count(std::vector<BarredPassage>{{copy, 16, 1}}, 1).known, 1u);
  for (int change = 0; change < 3; ++change) {
    auto other = copy;
    GridNote& note = other[2];
    (change == 0 ? note.pitch : change == 1 ? note.onset : note.length) += change == 2 ? (note.length > 1 ? -1 : 1) : 1;
    if (change == 1) other.erase(other.begin() + 3);
    EXPECT_EQ(known.count(std::vector<BarredPassage>{{other, 16, 1}}, 1).known, 0u) << change;
  }
}

TEST(MemorisedWindows, too_few_notes_are_not_counted) {
  const std::vector<std::vector<GridNote>> training{melody(5, 200)};
  MemorisedWindows known(training);
  const BarredPassage thin{{{0, 4, 60}, {4, 4, 62}, {8, 8, 64}}, 16, 1};
  const auto count = known.count({&thin, 1}, 1);
  EXPECT_EQ(count.windows, 0u);
  EXPECT_FALSE(count.share());
}

}  // namespace
}  // namespace euterpe
