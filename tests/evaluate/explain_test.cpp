#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "evaluate/task.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

TEST(EvaluateExplain, ASourceThatIsNoneIsRefused) {
  EvaluateOptions options;
  options.data = ".";
  options.extra["source"] = "video";
  EXPECT_THROW(evaluate_explain(options), Error);
}

TEST(EvaluateExplain, SalientNotesOfHeldOutScoresTakeMoreOfTheAnswerThanRandomOnes) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (data == nullptr || !fs::is_directory(fs::path(data) / "jsb")) GTEST_SKIP() << "EUTERPE_DATA names no data sets";
  const fs::path folder = fs::temp_directory_path() / ("euterpe-explain-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  for (const char* set : {"jsb", "nottingham"}) fs::create_directory_symlink(fs::path(data) / set, folder / set);
  EvaluateOptions options;
  options.data = folder;
  options.limit = 4;
  options.extra["source"] = "score";
  const auto report = evaluate_explain(options);
  fs::remove_all(folder);
  EXPECT_EQ(report["n"], 4);
  EXPECT_GT(report["drop_salient"], 0.3);
  EXPECT_LT(report["drop_random"], report["drop_salient"]);
  EXPECT_GT(report["forward_passes"], 1);
}

}  // namespace
}  // namespace euterpe
