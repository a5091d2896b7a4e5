#include "base/text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <sstream>

namespace euterpe {
namespace {

TEST(Text, Utf8IsToldFromOtherBytes) {
  for (const char* good : {"", "a", "\u00e9", "\u20ac", "\U0001F3B5", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\xE9", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                          "\xF4\x90\x80\x80", "\xFF", "a\x80", "\xE2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Text, CleanTextReadsLatin1AndDropsControls) {
  EXPECT_EQ(clean_text(" \tcaf\xE9\n"), "caf\u00e9");
  EXPECT_EQ(clean_text("caf\u00e9"), "caf\u00e9");
  EXPECT_EQ(clean_text(" \r\n"), "");
}

TEST(Text, TimesAreReadInBothForms) {
  EXPECT_EQ(parse_time("0"), 0);
  EXPECT_EQ(parse_time("1577836800.75"), 1'577'836'800);
  EXPECT_EQ(parse_time("-5"), -5);
  EXPECT_EQ(parse_time("2020-01-01"), 1'577'836'800);
  EXPECT_EQ(parse_time("2020-01-01T02:30:01.5+02:30"), 1'577'836'801);
  EXPECT_EQ(parse_time("2019-12-31 19:00-0500"), 1'577'836'800);
  EXPECT_EQ(parse_time(" 2020-02-29T00:00:00Z "), 1'582'934'400);
  for (const char* bad : {"", "x", "1.2.3", "2020-13-01", "2021-02-29", "2020-01-01T25:00", "2020-01-01T00:00:00Zx",
                          "2020-1-1", "99999999999999999999", "2020-01-01T00:00:00+99:00", "0000-01-01"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

RC_GTEST_PROP(Text, AWrittenTimeReadsAsTheSame, ()) {
  const auto time = *rc::gen::inRange<std::int64_t>(-62'135'596'800, 253'402'300'799);
  RC_ASSERT(parse_time(format_time(time)) == time);
}

RC_GTEST_PROP(Text, CsvFieldsSurviveTheRoundTrip, (std::vector<std::string> fields)) {
  if (fields.empty()) fields.emplace_back();
  std::string line = csv_field(fields[0]);
  for (std::size_t i = 1; i < fields.size(); ++i) line += "," + csv_field(fields[i]);
  RC_ASSERT(parse_csv(line) == fields);
}

RC_GTEST_PROP(Text, AnyLineIsParsedOrRefused, (std::string line)) { parse_csv(line); }

TEST(Text, LinesEndInEitherWay) {
  std::istringstream in("\xEF\xBB\xBFone\r\n\ntoo long a line\nend");
  LineReader lines(in, 8);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "one");
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "");
  ASSERT_TRUE(lines.next(line));
  EXPECT_TRUE(lines.too_long());
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "end");
  EXPECT_FALSE(lines.too_long());
  EXPECT_EQ(lines.number(), 4u);
  EXPECT_FALSE(lines.next(line));
}

}  // namespace
}  // namespace euterpe
