#include "recommend/ranking.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

TEST(Ranking, TiesCountAgainstUs) {
  const std::vector<float> scores{1, 1, 1, 0};
  EXPECT_EQ(rank_among_all(scores, 0, {}), 2);
  EXPECT_EQ(rank_among_all(scores, 3, {}), 3);
  EXPECT_EQ(rank_among(scores, 2, History{0, 3}), 1);
}

TEST(Ranking, NotANumberNeverHelps) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(rank_among_all(std::vector<float>{nan, 5, 4}, 0, {}), 2);
  EXPECT_EQ(rank_among_all(std::vector<float>{nan, 5, 4}, 1, {}), 1);
}

TEST(Ranking, HeardItemsDoNotCompeteButTheTargetStays) {
  const std::vector<float> scores{9, 8, 7, 6};
  EXPECT_EQ(rank_among_all(scores, 3, History{0, 1}), 1);
  EXPECT_EQ(rank_among_all(scores, 3, History{0, 0, 3}), 2)
      << "a repeated item is taken away once; a heard target stays";
}

TEST(Ranking, NegativesAloneCompeteInTheSampledProtocol) {
  // Target 0 scores 5; of the negatives, 2 (score 7) and 4 (score 5, a tie) stand above it, 3 below; 1 (score 9) is not
  // asked.
  const std::vector<float> scores{5, 9, 7, 1, 5};
  EXPECT_EQ(rank_among(scores, 0, History{2, 3, 4}), 2);
  EXPECT_DOUBLE_EQ(ndcg(2, 10), 0.5);  // 1 / log2(4)
  EXPECT_DOUBLE_EQ(hit_rate(2, 10), 1);
}

TEST(Ranking, TenthPlaceCountsAndEleventhDoesNot) {
  EXPECT_EQ(hit_rate(9, 10), 1);
  EXPECT_EQ(hit_rate(10, 10), 0);
  EXPECT_DOUBLE_EQ(ndcg(0, 10), 1);
  EXPECT_DOUBLE_EQ(ndcg(9, 10), 1 / std::log2(11.));
  EXPECT_EQ(ndcg(10, 10), 0);
}

TEST(Ranking, HeldOutItemsAreInNoFitAndEachQueryKnowsAllBeforeIt) {
  const HeldOut held_out = hold_out({{1, 2, 3, 4}, {5, 6}, {7}, {}}, 2);
  EXPECT_EQ(held_out.fit, (std::vector<History>{{1, 2}, {5}, {7}, {}}));
  ASSERT_EQ(held_out.queries.size(), 3u);
  EXPECT_EQ(held_out.queries[0].history, (History{1, 2}));
  EXPECT_EQ(held_out.queries[0].target, 3);
  EXPECT_EQ(held_out.queries[1].history, (History{1, 2, 3}));
  EXPECT_EQ(held_out.queries[1].target, 4);
  EXPECT_EQ(held_out.queries[2].history, (History{5}));
  EXPECT_EQ(held_out.queries[2].target, 6);
}

TEST(Ranking, BootstrapIntervalHoldsTheMeanAndNarrowsWithMoreValues) {
  std::vector<double> few, many;
  for (int i = 0; i < 5000; ++i) (i < 100 ? few : many).push_back(i % 10 == 0);
  const Estimate wide = bootstrap_mean(few, 1), narrow = bootstrap_mean(many, 1);
  EXPECT_NEAR(wide.mean, 0.1, 1e-9);
  EXPECT_LT(wide.low, wide.mean);
  EXPECT_GT(wide.high, wide.mean);
  // ±1.96 √(0.1 · 0.9 / 100) = ±0.059
  EXPECT_NEAR(wide.high - wide.low, 0.118, 0.03);
  EXPECT_LT(narrow.high - narrow.low, (wide.high - wide.low) / 4);
  EXPECT_EQ(bootstrap_mean(few, 1).low, wide.low) << "the same seed gives the same interval";
}

TEST(Ranking, SettingsAreChosenByTheHeldOutItems) {
  // Everyone walks along a ring of forty items and now and then jumps.
  Random random(6);
  std::vector<History> histories(60);
  for (History& history : histories)
    for (int k = 0; k < 12; ++k)
      history.push_back(
          static_cast<int>(history.empty() || random.below(3) == 0 ? random.below(40) : (history.back() + 1) % 40));
  const ModelRow& row = recommend_model("ease-sequence");
  const auto model = row.make();
  std::vector<double> noted;
  const HeldOut held_out = hold_out(histories, 2);
  const Choice choice = choose_settings(
      *model, row, held_out, 40, [&](const Settings&, const Quality& quality) { noted.push_back(quality.ndcg10); });
  EXPECT_EQ(static_cast<int>(noted.size()), choice.tried);
  EXPECT_GT(choice.tried, 20);
  EXPECT_LT(*std::min_element(noted.begin(), noted.end()), choice.validation.ndcg10) << "there was something to choose";
  EXPECT_DOUBLE_EQ(*std::max_element(noted.begin(), noted.end()), choice.validation.ndcg10);
  EXPECT_DOUBLE_EQ(measure(*model, held_out.queries, 40).ndcg10, choice.validation.ndcg10)
      << "the model is left as chosen";
}

class LogFile : public ::testing::Test {
 protected:
  LogFile() : path_(std::filesystem::temp_directory_path() / ("euterpe_log_" + std::to_string(::getpid()) + ".txt")) {}
  ~LogFile() override { std::filesystem::remove(path_); }
  std::vector<LogLine> read(std::string_view text) {
    write_file(path_, text);
    return read_log(path_).listeners;
  }
  std::string error(std::string_view text) {
    try {
      read(text);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      return e.detail();
    }
    ADD_FAILURE() << "a broken log was read";
    return {};
  }
  std::filesystem::path path_;
};

TEST_F(LogFile, UserColumnIsSeenByItsCounting) {
  const auto with = read("1 10 11\n2 12\n3 10\n");
  EXPECT_EQ(with[1].user, 2);
  EXPECT_EQ(with[1].items, (std::vector<int>{12}));
  const auto without = read("920 10 11\r\n30 12\r\n\r\n7 10");
  ASSERT_EQ(without.size(), 3u);
  EXPECT_EQ(without[0].user, -1);
  EXPECT_EQ(without[0].items, (std::vector<int>{920, 10, 11}));
  EXPECT_EQ(without[2].line, 4u);
}

TEST_F(LogFile, BrokenFieldIsNamedWithLineAndColumn) {
  EXPECT_NE(error("1 2\n2 x7\n").find("line 2, column 3: 'x7'"), std::string::npos);
  EXPECT_NE(error("1 -5\n").find("'-5'"), std::string::npos);
  EXPECT_NE(error("1 4000000000\n").find("'4000000000'"), std::string::npos);
  EXPECT_NE(error("1 99999999999999999999\n").find("line 1"), std::string::npos);
  EXPECT_NE(error(" \n\n").find("no listens"), std::string::npos);
}

TEST_F(LogFile, AnyFormatBecomesHistoriesInOrderOfTime) {
  write_file(path_,
             "bob,x,1577836805\nann,y,1577836803\nann,x,1577836801\nann,z,1577836803\nann,w,-7\nann,never\n"
             "bob,x,1577836804\n");
  const HistoryLog log = read_log(path_);
  EXPECT_EQ(log.format, "csv");
  EXPECT_FALSE(log.own_ids);
  ASSERT_EQ(log.listeners.size(), 2u);
  const int x = 0, y = 1, z = 2, w = 3;  // as they first occur
  EXPECT_EQ(log.listeners[0].user, 0);
  EXPECT_EQ(log.listeners[0].items, (History{x, x}));
  EXPECT_EQ(log.listeners[1].items, (History{w, x, y, z})) << "equal times stay as they stand";
  EXPECT_EQ(log.summary.broken, 1u);
  EXPECT_EQ(log.summary.problems.at(0), "line 6: 2 columns, expected 3 (user, track, time)");
}

TEST_F(LogFile, PairsAreGroupedByTheirUser) {
  write_file(path_, "1 50\n1 60\n2 50\n1 70\n");
  const HistoryLog log = read_log(path_);
  EXPECT_EQ(log.format, "pairs");
  ASSERT_EQ(log.listeners.size(), 2u);
  EXPECT_EQ(log.listeners[0].items, (History{0, 1, 2}));
}

TEST_F(LogFile, ANamedFormatIsNotGuessed) {
  write_file(path_, "1 50\n1 60\n");
  EXPECT_EQ(read_log(path_, "sequences").listeners[1].user, 1);
  EXPECT_EQ(read_log(path_, "histories").listeners[1].items, (std::vector<int>{1, 60}));
  EXPECT_THROW(read_log(path_, "mp3"), Error);
}

TEST_F(LogFile, ALogWithoutListensSaysSo) {
  EXPECT_NE(error("user,track,time\n").find("no listens"), std::string::npos);
  EXPECT_NE(error("ann,x,never\n").find("no listens"), std::string::npos);
  EXPECT_THROW(read_log("/nonexistent/log.csv"), Error);
}

TEST_F(LogFile, ManyListenersTakeNoMoreThanTheirItems) {
  constexpr int kListeners = 20'000;
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (int k = 5; k-- > 0;)  // newest first, and never two lines of one listener together
    for (int user = 0; user < kListeners; ++user)
      text += "u" + std::to_string(user) + "\ti" + std::to_string(k) + "\t" + std::to_string(1'200'000'000 + k) + "\n";
  write_file(path_, text);
  const HistoryLog log = read_log(path_);
  ASSERT_EQ(log.listeners.size(), static_cast<std::size_t>(kListeners));
  for (const LogLine& listener : log.listeners) {
    ASSERT_EQ(listener.items, (History{4, 3, 2, 1, 0}));
    ASSERT_EQ(listener.items.capacity(), 5u);
  }
}

TEST_F(LogFile, NumbersFollowTheOrderOfTheIds) {
  ItemNumbers numbers;
  numbers.add(std::vector<int>{2000000000, 5});
  numbers.add(std::vector<int>{7, 5});
  numbers.finish();
  EXPECT_EQ(numbers.count(), 3);
  EXPECT_EQ(numbers.numbers({2000000000, 5, 7}), (History{2, 0, 1}));
}

}  // namespace
}  // namespace euterpe
