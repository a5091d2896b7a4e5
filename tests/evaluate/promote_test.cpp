#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "evaluate/task.hpp"
#include "two_taste_log.hpp"

namespace euterpe {
namespace {

TEST(EvaluatePromote, PredictsSimulatedPromotionsAndBalancesTheLedger) {
  const TemporaryFolder folder;
  write_two_taste_log(folder / "Log.txt", 300);
  EvaluateOptions options;
  options.data = folder.path();
  options.limit = 40;
  const auto report = evaluate_promote(options);
  EXPECT_EQ(report["simulated"], true);
  EXPECT_NE(report["note"].get<std::string>().find("SIMULATED"), std::string::npos);
  EXPECT_EQ(report["runs"], 40);
  EXPECT_GE(report["reach_interval_covers"], 0.8);
  EXPECT_NEAR(report["reach"].get<double>() / report["reach_truth"].get<double>(), 1, 0.25);
  EXPECT_LT(report["ledger_sum"], 1e-9);
  EXPECT_GT(report["exposure_gained"], 0);
  EXPECT_EQ(report["back_test"]["tracks"], 15);
  EXPECT_GT(report["back_test"]["reach_truth"], 0);
  EXPECT_EQ(evaluate_promote(options), report) << "one seed, one report";
  options.data = folder / "absent";
  EXPECT_THROW(evaluate_promote(options), Error);
}

}  // namespace
}  // namespace euterpe
