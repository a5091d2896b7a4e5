#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <sstream>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "evaluate/task.hpp"

namespace euterpe {
namespace {

/// A folder with the log of 80 listeners of two tastes (items 1–15 and 101–115), in the layout of LastFM.txt.
class EvaluateRecommend : public ::testing::Test {
 protected:
  EvaluateRecommend() {
    Random random(4);
    std::string log;
    for (int user = 1; user <= 80; ++user) {
      std::vector<int> items(15);
      std::iota(items.begin(), items.end(), user % 2 ? 1 : 101);
      random.shuffle(items);
      log += std::to_string(user);
      history_ += std::to_string(user);
      for (int k = 0; k < 8; ++k) {
        log += " " + std::to_string(items[static_cast<std::size_t>(k)]);
        if (k < 7) history_ += " " + std::to_string(items[static_cast<std::size_t>(k)]);
      }
      targets_ += std::to_string(user) + " " + std::to_string(items[7]) + "\n";
      log += "\n";
      history_ += "\n";
    }
    write_file(folder_ / "Log.txt", log);
    options_.data = folder_.path();
  }

  const TemporaryFolder folder_;
  std::string history_, targets_;
  EvaluateOptions options_;
};

TEST_F(EvaluateRecommend, ReportsEveryKeyOfEveryModelAndEaseBeatsPopularity) {
  const auto report = evaluate_recommend(options_);
  EXPECT_EQ(report["users"], 80);
  EXPECT_EQ(report["items"], 30);
  EXPECT_EQ(report["negatives"], "drawn");
  for (const char* name : {"popularity", "personal-popularity", "item-knn", "ease", "ease-sequence", "sasrec", "blend"})
    for (const char* key : {"hr10_full", "ndcg10_full", "hr10_99neg", "ndcg10_99neg"}) {
      const double value = report["models"][name][key];
      const auto interval = report["models"][name][std::string(key) + "_ci"];
      EXPECT_LE(interval[0], value) << name << key;
      EXPECT_GE(interval[1], value) << name << key;
    }
  // Eight of one's own taste are left: EASE names them all among its ten, popularity knows no tastes.
  EXPECT_EQ(report["models"]["ease"]["hr10_full"], 1);
  EXPECT_LT(report["models"]["popularity"]["hr10_full"], 0.8);
  const auto& ahead = report["models"]["blend"]["ahead_of"]["sasrec"];
  EXPECT_NEAR(
      ahead["ndcg10_full"],
      report["models"]["blend"]["ndcg10_full"].get<double>() - report["models"]["sasrec"]["ndcg10_full"].get<double>(),
      1e-12);
  EXPECT_LE(ahead["ndcg10_full_ci"][0], ahead["ndcg10_full"]);
}

TEST_F(EvaluateRecommend, HistoryAndTargetsInTwoFilesGiveTheSameFigures) {
  options_.model = "ease";
  const auto one = evaluate_recommend(options_);
  write_file(folder_ / "history.txt", history_);
  write_file(folder_ / "targets.txt", targets_);
  options_.extra = {{"history", (folder_ / "history.txt").string()}, {"targets", (folder_ / "targets.txt").string()}};
  const auto two = evaluate_recommend(options_);
  EXPECT_EQ(one["users"], two["users"]);
  EXPECT_EQ(one["ndcg10_full"], two["ndcg10_full"]);
  options_.extra.erase("targets");
  EXPECT_THROW(evaluate_recommend(options_), Error);
}

TEST_F(EvaluateRecommend, GivenNegativesAreTheOnlyRivals) {
  // Every listener's negatives are two items of the other taste: EASE puts the target first.
  std::string sample;
  for (int user = 1; user <= 80; ++user) sample += std::to_string(user) + (user % 2 ? " 101 102\n" : " 1 2\n");
  write_file(folder_ / "Log_sample.txt", sample);
  options_.model = "ease";
  const auto report = evaluate_recommend(options_);
  EXPECT_EQ(report["negatives"], "given");
  EXPECT_EQ(report["ndcg10_99neg"], 1);
  EXPECT_LT(report["ndcg10_full"], 1);
}

TEST_F(EvaluateRecommend, ALogWithTimesIsMeasuredAsItsSequencesAre) {
  options_.model = "ease";
  const auto sequences = evaluate_recommend(options_);
  EXPECT_FALSE(sequences["files"].contains("format"));
  std::string table = "track,user,time\nbroken\n";
  std::istringstream lines(read_text(folder_ / "Log.txt"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string user, item, newest_first;
    words >> user;
    for (int time = 1'200'000'000; words >> item; ++time)
      newest_first.insert(0, "track-" + item + ",u" + user + "," + std::to_string(time) + "\n");
    table += newest_first;
  }
  write_file(folder_ / "Log.csv", table);
  options_.data = folder_ / "Log.csv";
  const auto timed = evaluate_recommend(options_);
  EXPECT_EQ(timed["files"]["format"], "csv");
  EXPECT_EQ(timed["files"]["broken_lines"], 1);
  for (const char* same : {"users", "items", "listens", "hr10_full"}) EXPECT_EQ(timed[same], sequences[same]) << same;
  // The numbers of the items differ, and with them the order of near-equal scores.
  EXPECT_NEAR(timed["ndcg10_full"].get<double>(), sequences["ndcg10_full"].get<double>(), 0.02);
  write_file(folder_ / "Log_sample.txt", "1 101 102\n");
  EXPECT_THROW(evaluate_recommend(options_), Error) << "its negatives would be of other numbers";
}

TEST_F(EvaluateRecommend, SplitByTimeLearnsFromNothingLater) {
  // Listener u hears k at 100·k + u; of 640 listens the first 0.9 are over before the eighth of most.
  std::istringstream lines(read_text(folder_ / "Log.txt"));
  std::string csv = "user,track,time\n";
  for (int user; lines >> user;)
    for (int k = 0, item = 0; k < 8; ++k) {
      lines >> item;
      csv += fmt::format("u{},{},{}\n", user, item, 100 * k + user);
    }
  write_file(folder_ / "times.csv", csv);
  options_.data = folder_ / "times.csv";
  options_.model = "popularity";
  options_.extra["protocol"] = "time-split";
  const auto report = evaluate_recommend(options_);
  // 0.9 · 639 = 575: 560 listens are the first seven of everybody, the 16th of the eighths comes at 700 + 16.
  EXPECT_EQ(report["files"]["split_time"], "1970-01-01T00:11:56Z");
  EXPECT_EQ(report["users"], 64);
  EXPECT_EQ(report["listens"], 576);
  options_.extra["protocol"] = "by-weight";
  EXPECT_THROW(evaluate_recommend(options_), Error);
  options_.extra["protocol"] = "time-split";
  options_.data = folder_ / "Log.txt";  // has no times
  EXPECT_THROW(evaluate_recommend(options_), Error);
}

TEST_F(EvaluateRecommend, SeedsGiveMeansAndStandardErrors) {
  options_.model = "ease";
  options_.extra["seeds"] = "3";
  const auto report = evaluate_recommend(options_);
  const auto& hr = report["seeds"]["ease"]["hr10_99neg"];
  ASSERT_EQ(hr["values"].size(), 3u);
  EXPECT_EQ(hr["values"][0], report["hr10_99neg"]);
  EXPECT_EQ(report["seeds"]["ease"]["hr10_full"]["se"], 0.0);  // it draws nothing at random
  options_.extra["seeds"] = "0";
  EXPECT_THROW(evaluate_recommend(options_), Error);
}

TEST_F(EvaluateRecommend, TestItemsNeverReachTheChoice) {
  options_.model = "ease-sequence";
  const auto before = evaluate_recommend(options_);
  std::string log;  // the same histories, but everyone's last item is another
  Random random(8);
  std::size_t at = 0;
  while (at < history_.size()) {
    const std::size_t end = history_.find('\n', at);
    log += history_.substr(at, end - at) + " " + std::to_string(1 + random.below(15)) + "\n";
    at = end + 1;
  }
  write_file(folder_ / "Log.txt", log);
  const auto after = evaluate_recommend(options_);
  EXPECT_NE(before["ndcg10_full"], after["ndcg10_full"]);
  EXPECT_EQ(before["options"], after["options"]);
  EXPECT_EQ(before["validation"], after["validation"]);
}

TEST_F(EvaluateRecommend, LogsThatCannotBeMeasuredSayWhy) {
  write_file(folder_ / "Log.txt", "1 5\n2 6\n");
  EXPECT_THROW(evaluate_recommend(options_), Error) << "nobody has a history and a test item";
  write_file(folder_ / "Log.txt", "1 5 six\n");
  EXPECT_THROW(evaluate_recommend(options_), Error);
  options_.data = folder_ / "absent";
  EXPECT_THROW(evaluate_recommend(options_), Error);
  options_.data = folder_.path();
  options_.model = "absent";
  EXPECT_THROW(evaluate_recommend(options_), Error);
}

}  // namespace
}  // namespace euterpe
