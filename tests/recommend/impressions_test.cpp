#include "recommend/impressions.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace euterpe {
namespace {

std::vector<Impression> read(const std::string& text) {
  std::istringstream in(text);
  return read_impressions(in, "log.csv");
}

TEST(Impressions, AreReadWithColumnsInAnyOrderAndOptionalOnesLeftEmpty) {
  const auto rows = read(
      "\xEF\xBB\xBFreward,user,item,propensity,time,position\r\n"
      "1,anna,\"Air, on G\",0.25,2024-01-01,3\n"
      "\n"
      "0.5,ben,b,1,,\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].user, "anna");
  EXPECT_EQ(rows[0].item, "Air, on G");
  EXPECT_EQ(rows[0].propensity, 0.25);
  EXPECT_EQ(rows[0].reward, 1);
  EXPECT_EQ(rows[0].time, 1704067200);
  EXPECT_EQ(rows[0].position, 3);
  EXPECT_FALSE(rows[0].target.has_value());
  EXPECT_EQ(rows[1].reward, 0.5);
  EXPECT_FALSE(rows[1].time.has_value() || rows[1].position.has_value());
}

TEST(Impressions, CarryAPolicyToBeJudged) {
  const auto rows = read("user;item;propensity;reward;target;predicted;expected\na;x;0.5;1;0.75;0.2;0.3\n");
  EXPECT_EQ(rows.at(0).target, 0.75);
  EXPECT_EQ(rows.at(0).predicted, 0.2);
  EXPECT_EQ(rows.at(0).expected, 0.3);
}

TEST(Impressions, ErrorsNameLineAndColumn) {
  const std::string header = "user,item,propensity,reward,position,target\n", good = "a,x,0.5,1,1,0.1\n";
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "log.csv: no impressions"},
      {header, "log.csv: no impressions"},
      {"user,item,reward\n", "log.csv: line 1: no column 'propensity'"},
      {"user,item,propensity,reward,mood\n", "log.csv: line 1: unknown column 'mood'"},
      {"user,item,propensity,reward,user\n", "log.csv: line 1: a second column 'user'"},
      {header + good + "a,x,0,1,1,0.1\n", "log.csv: line 3: column propensity: '0'"},
      {header + good + "a,x,1.5,1,1,0.1\n", "log.csv: line 3: column propensity: '1.5'"},
      {header + good + "a,x,nan,1,1,0.1\n", "log.csv: line 3: column propensity: 'nan'"},
      {header + good + "\na,x,0.5,yes,1,0.1\n", "log.csv: line 4: column reward: 'yes'"},
      {header + "a,x,0.5,1,0,0.1\n", "log.csv: line 2: column position: '0'"},
      {header + "a,x,0.5,1,1.5,0.1\n", "log.csv: line 2: column position: '1.5'"},
      {header + "a,x,0.5,1,1,-0.1\n", "log.csv: line 2: column target: '-0.1'"},
      {header + ",x,0.5,1,1,0.1\n", "log.csv: line 2: column user: no user"},
      {header + "a,x,0.5\n", "log.csv: line 2: 3 columns, the header names 6"},
      {header + "a,\"x,0.5,1,1,0.1\n", "log.csv: line 2: a quote is not closed"},
  };
  for (const auto& [text, expected] : wrong) {
    try {
      read(text);
      ADD_FAILURE() << "was read: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), Category::bad_input);
      EXPECT_EQ(error.detail().rfind(expected, 0), 0u) << error.detail();
    }
  }
  EXPECT_THROW(read_impressions(std::filesystem::path("/no/such/log.csv")), Error);
}

}  // namespace
}  // namespace euterpe
