#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "evaluate/key_score.hpp"
#include "evaluate/task.hpp"

namespace euterpe {
namespace {

constexpr KeyEstimate kC{0, false, 1}, kA{9, true, 1};

// The figures are those of mir_eval 0.7, key.weighted_score().
TEST(MirexKeyScore, is_that_of_mir_eval) {
  EXPECT_EQ(mirex_key_score(kC, kC), 1);
  EXPECT_EQ(mirex_key_score(kC, {7, false, 1}), 0.5);
  EXPECT_EQ(mirex_key_score(kC, {5, false, 1}), 0);  // a fifth above only
  EXPECT_EQ(mirex_key_score(kC, kA), 0.3);
  EXPECT_EQ(mirex_key_score(kA, kC), 0.3);
  EXPECT_EQ(mirex_key_score(kA, {9, false, 1}), 0.2);
  EXPECT_EQ(mirex_key_score(kA, {4, true, 1}), 0.5);
  EXPECT_EQ(mirex_key_score(kC, {6, false, 1}), 0);
}

TEST(MirexKeyScore, weighs_seconds_where_keys_change) {
  const std::vector<KeySegment> reference{{0, 6, 0, false, 1}, {6, 8, 1, false, 1}};
  EXPECT_EQ(mirex_key_score(reference, reference), (std::pair<double, double>(1, 8)));
  const std::vector<KeySegment> one{{0, 8, 0, false, 1}};
  EXPECT_EQ(mirex_key_score(reference, one), (std::pair<double, double>(0.75, 8)));
  const std::vector<KeySegment> half{{3, 6, 7, false, 1}};
  EXPECT_EQ(mirex_key_score(reference, half), (std::pair<double, double>(1.5 / 8, 8)));
}

TEST(EvaluateKey, is_better_than_krumhansl_and_schmuckler_on_pop909s_scores) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data || !std::filesystem::exists(std::filesystem::path(data) / "pop909")) GTEST_SKIP() << "no pop909";
  EvaluateOptions options;
  options.data = std::filesystem::path(data) / "pop909";
  options.split = "valid";
  options.limit = 30;
  options.extra["source"] = "score";
  const nlohmann::json report = evaluate_key(options);
  EXPECT_EQ(report["n"], 30);
  EXPECT_GT(report["mirex_score"].get<double>(), report["baseline"].get<double>() + 0.02);
  EXPECT_GT(report["mirex_over_time"], 0.8);
}

}  // namespace
}  // namespace euterpe
