#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "evaluate/task.hpp"
#include "two_taste_log.hpp"

namespace euterpe {
namespace {

TEST(EvaluateOffPolicy, SimulatesFromALogAndFindsTheTruth) {
  const TemporaryFolder folder;
  write_two_taste_log(folder / "Log.txt", 80);
  EvaluateOptions options;
  options.data = folder.path();
  options.limit = 30;
  const auto report = evaluate_off_policy(options);
  EXPECT_EQ(report["simulated"], true);
  EXPECT_NE(report["note"].get<std::string>().find("SIMULATED"), std::string::npos);
  EXPECT_EQ(report["runs"], 30);
  EXPECT_EQ(report["items"], 30);
  EXPECT_EQ(report["unsupported_mass"], 0);
  EXPECT_NE(report["truth"], report["logging_truth"]);
  for (const char* name : {"ips", "snips", "doubly_robust"}) {
    const auto& own = report["estimators"][name];
    EXPECT_LT(std::abs(own["bias"].get<double>()), 5 * own["bias_se"].get<double>()) << name;
    EXPECT_GT(own["interval_covers"], 0.8) << name;
    EXPECT_NEAR(own["se"].get<double>() / own["rmse"].get<double>(), 1, 0.5) << name;
  }
  EXPECT_LT(report["estimators"]["doubly_robust"]["rmse"], report["estimators"]["ips"]["rmse"]);
  EXPECT_EQ(evaluate_off_policy(options), report) << "one seed, one report";
}

TEST(EvaluateOffPolicy, EstimatesFromAFileOfRealImpressions) {
  const TemporaryFolder folder;
  const std::string head = "user,item,propensity,reward,target";
  EvaluateOptions options;
  options.data = folder / "log.csv";
  write_file(options.data, head + "\na,x,0.5,1,0.25\na,y,0.25,0,0.5\nb,x,0.5,1,0.5\n");
  const auto report = evaluate_off_policy(options);
  EXPECT_EQ(report["simulated"], false);
  EXPECT_NEAR(report["estimators"]["ips"]["value"], 0.5, 1e-12);
  EXPECT_NEAR(report["estimators"]["snips"]["value"], 3 / 7., 1e-12);
  EXPECT_FALSE(report["estimators"].contains("doubly_robust")) << "nobody gave predictions";
  options.extra["clip"] = "1";
  EXPECT_EQ(evaluate_off_policy(options)["clipped"], 1);
  options.extra["clip"] = "much";
  EXPECT_THROW(evaluate_off_policy(options), Error);
  options.extra.clear();
  write_file(options.data, head + ",predicted,expected\na,x,0.5,1,0.25,0.5,0.4\nb,x,0.5,1,0.5,0.5,0.4\n");
  EXPECT_NEAR(evaluate_off_policy(options)["estimators"]["doubly_robust"]["value"], (0.65 + 0.9) / 2, 1e-12);
  write_file(options.data, "user,item,propensity,reward\na,x,0.5,1\nb,x,0.5,1\n");
  EXPECT_THROW(evaluate_off_policy(options), Error) << "no policy to judge";
}

}  // namespace
}  // namespace euterpe
