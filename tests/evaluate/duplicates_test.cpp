// The evaluation of near duplicates counts what it planted, and names what was there before.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "evaluate/task.hpp"
#include "media/encode.hpp"
#include "media/samples.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {

TEST(EvaluateDuplicates, finds_all_that_it_planted_and_lists_the_sets_own_pairs_with_their_evidence) {
  const test::Folder folder;
  for (std::uint64_t i = 0; i < 10; ++i)
    encode(folder / (std::to_string(i) + ".flac"), {kLandmarkRate, 1, test::music(i, 10)});
  encode(folder / "other_name.ogg", {kLandmarkRate, 1, test::excerpt(test::music(3, 10), 1.5, 7)}, {.bitrate = 48000});
  EvaluateOptions options;
  options.data = folder.path();
  options.seed = 4;
  const nlohmann::json report = evaluate_duplicates(options);
  EXPECT_EQ(report.at("files"), 11);
  EXPECT_EQ(report.at("planted"), 11);
  EXPECT_EQ(report.at("found"), 11) << report.at("missed");
  EXPECT_EQ(report.at("false_pairs"), 0) << report.at("false");
  ASSERT_EQ(report.at("others").size(), 1u);
  EXPECT_EQ(report.at("others")[0].at("a"), "3.flac");
  EXPECT_EQ(report.at("others")[0].at("b"), "other_name.ogg");
  EXPECT_NEAR(report.at("others")[0].at("offset_seconds").get<double>(), 1.5, 0.01);
  EXPECT_GT(report.at("others")[0].at("correlation").get<double>(), 0.9);
}

TEST(EvaluateDuplicates, needs_two_recordings) {
  const test::Folder folder;
  encode(folder / "a.wav", test::sine(440, 1));
  EvaluateOptions options;
  options.data = folder.path();
  EXPECT_THROW(evaluate_duplicates(options), Error);
}

}  // namespace
}  // namespace euterpe
