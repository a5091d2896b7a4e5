#include "compose/wishes.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace euterpe {
namespace {

TEST(Wishes, are_read_as_people_write_them) {
  const std::vector<std::string> styles{"chorale", "folk", "classical", "drums", "pop"};
  const std::vector<std::string> kinds{"folk/jig", "classical/bach", "drums/pop", "drums/funk", "folk/funk"};
  EXPECT_EQ(parse_style("", styles, kinds).style, "chorale");
  EXPECT_EQ(parse_style("folk", styles, kinds).variety, "");
  EXPECT_EQ(parse_style("folk/jig", styles, kinds).variety, "jig");
  EXPECT_EQ(parse_style("bach", styles, kinds).style, "classical");
  EXPECT_EQ(parse_style("pop", styles, kinds).style, "pop");  // drums/pop is another thing
  EXPECT_EQ(parse_style("drums/pop", styles, kinds).variety, "pop");
  for (const char* bad : {"polka", "funk", "folk/reel", "folk/", "/", "rock/"})
    EXPECT_THROW(parse_style(bad, styles, kinds), Error) << bad;
  EXPECT_EQ(parse_emotion("sad"), 2);
  EXPECT_EQ(parse_emotion("Q1"), 0);
  EXPECT_THROW(parse_emotion("bored"), Error);
  EXPECT_EQ(parse_pitch("C4"), 60);
  EXPECT_EQ(parse_pitch("Bb3"), 58);
  EXPECT_EQ(parse_pitch("72"), 72);
  for (const char* bad : {"", "H4", "C", "128", "-1", "C11", "Cx4"}) EXPECT_THROW(parse_pitch(bad), Error) << bad;
  EXPECT_EQ(parse_bar_range("5").count, 1);
  EXPECT_EQ(parse_bar_range("5-8").first, 5);
  EXPECT_EQ(parse_bar_range("5-8").count, 4);
  for (const char* bad : {"", "0", "8-5", "5-", "-5", "a", "5-8-9", "99999999999"})
    EXPECT_THROW(parse_bar_range(bad), Error) << bad;
}

TEST(Key, is_read_as_people_write_it) {
  auto key = [](const char* text) { return parse_key(text).name(); };
  EXPECT_EQ(key("C"), "C major");
  EXPECT_EQ(key("C major"), "C major");
  EXPECT_EQ(key("a minor"), "A minor");
  EXPECT_EQ(key("a"), "A minor");
  EXPECT_EQ(key("Am"), "A minor");
  EXPECT_EQ(key("F#m"), "F# minor");
  EXPECT_EQ(key("Bb"), "Bb major");
  EXPECT_EQ(key("bb"), "Bb minor");
  EXPECT_EQ(key("Cb"), "B major");
  EXPECT_EQ(key("B# min"), "C minor");
  EXPECT_EQ(key("c major"), "C major");
  for (const char* bad : {"", "H", "H#", "C##", "C dorian", " C", "#", "7", "Cmm"})
    EXPECT_THROW(parse_key(bad), Error) << bad;
}

}  // namespace
}  // namespace euterpe
