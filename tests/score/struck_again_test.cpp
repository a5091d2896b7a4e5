#include "score/struck_again.hpp"

#include <gtest/gtest.h>

namespace euterpe {
namespace {

TEST(StruckAgain, a_note_ends_where_its_pitch_begins_again_and_others_sound_on) {
  std::vector<Note> notes{{300, 100, 60, 80, 0}, {0, 480, 60, 80, 0}, {0, 480, 64, 80, 0}};
  cut_where_struck_again(notes);
  const std::vector<Note> expected{{0, 300, 60, 80, 0}, {0, 480, 64, 80, 0}, {300, 100, 60, 80, 0}};
  EXPECT_EQ(notes, expected);
}

TEST(StruckAgain, of_two_at_once_the_first_keeps_a_tick) {
  std::vector<Note> notes{{0, 240, 60, 80, 0}, {0, 480, 60, 80, 0}};
  cut_where_struck_again(notes);
  EXPECT_EQ(notes[0].duration, 1);
  EXPECT_EQ(notes[1].duration, 480);
}

}  // namespace
}  // namespace euterpe
