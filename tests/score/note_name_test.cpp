#include "score/note_name.hpp"

#include <gtest/gtest.h>

namespace euterpe {
namespace {

TEST(NoteName, is_taken_from_the_beginning_and_the_rest_stays) {
  const auto take = [](std::string_view text, std::string_view rest) {
    const auto semitones = take_note_name(text);
    EXPECT_EQ(text, rest);
    return semitones;
  };
  EXPECT_EQ(take("C4", "4"), 0);
  EXPECT_EQ(take("F#m7b5", "m7b5"), 6);
  EXPECT_EQ(take("Bb", ""), 10);
  EXPECT_EQ(take("Cb4", "4"), -1);
  EXPECT_EQ(take("B#", ""), 12);
  for (const char* none : {"", " C", "H", "c", "#"}) EXPECT_FALSE(take(none, none)) << none;
}

}  // namespace
}  // namespace euterpe
