// The kill test that anyone can run on a folder of their own.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "catalog/support.hpp"
#include "cli/run_program.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

TEST(EvaluateIngest, finds_the_same_catalog_after_three_kills_and_names_what_failed) {
  test::TemporaryFolder folder;
  for (std::uint64_t i = 0; i < 40; ++i)
    write_midi(folder / "music" / ("walk" + std::to_string(i) + ".mid"), test::walk(i));
  write_file(folder / "music" / "broken.mid", std::string_view("this is no MIDI file"));
  const Ran ran = run_program({"evaluate", "ingest", "--data", (folder / "music").string(), "--json", "-q"},
                              {"HOME=" + (folder / "home").string(), "XDG_CONFIG_HOME=" + (folder / "home").string()});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(report["tracks"], 40);
  EXPECT_EQ(report["scores"], 40);
  EXPECT_TRUE(report["same_catalog_after_kills"].get<bool>());
  EXPECT_EQ(report["kills"].size(), 3u);
  EXPECT_EQ(report["exit_code"], 3);  // part of a batch failed
  ASSERT_EQ(report["failed"].size(), 1u);
  EXPECT_NE(report["failed"][0]["path"].get<std::string>().find("broken.mid"), std::string::npos);
}

}  // namespace
}  // namespace euterpe
