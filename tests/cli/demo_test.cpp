// The demonstration from end to end: the program as people run it, made small.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/files.hpp"
#include "nn/model.hpp"
#include "run_program.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class DemoCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("euterpe-demo-test-" + std::to_string(getpid()));
    fs::remove_all(folder);
    fs::create_directories(folder);
    for (const char* needed : {"composer", "chorale", "style-score", "style-audio"}) {
      try {
        find_model(needed);
      } catch (const Error&) {
        GTEST_SKIP() << "no model '" << needed << "' is shipped with this tree";
      }
    }
    if (!fs::exists("/usr/share/sounds/sf2/FluidR3_GM.sf2") && !std::getenv("EUTERPE_SOUNDFONT")) {
      GTEST_SKIP() << "no General MIDI soundfont: apt-get install fluid-soundfont-gm";
    }
  }
  void TearDown() override { fs::remove_all(folder); }

  static json step(const json& result, const std::string& name) {
    for (const json& row : result["steps"]) {
      if (row["step"] == name) return row;
    }
    ADD_FAILURE() << "no step " << name;
    return {};
  }

  fs::path folder;
};

TEST_F(DemoCommand, ShowsEveryServiceAndWritesOneReport) {
  const std::string out = (folder / "out").string();
  const Ran outcome = run_program(
      {"--json", "demo", "--works", "12", "--listeners", "40", "--train-seconds", "2", "--keep", "--out", out});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const json result = json::parse(outcome.out);
  for (const char* name : {"compose", "render", "ingest", "recognize", "listen", "recommend", "identify", "train"}) {
    EXPECT_GE(step(result, name)["seconds"].get<double>(), 0) << name;
  }
  EXPECT_NE(step(result, "listen")["result"].get<std::string>().find("SIMULATED"), std::string::npos);
  EXPECT_NE(step(result, "recommend")["result"].get<std::string>().find("SIMULATED"), std::string::npos);

  const std::string html = read_text(result["report"].get<std::string>());
  EXPECT_NE(html.find("data:audio/mpeg;base64,"), std::string::npos);
  EXPECT_NE(html.find("data:image/png;base64,"), std::string::npos);
  EXPECT_NE(html.find("simulated</span>"), std::string::npos);
  EXPECT_EQ(html.find("src=\"http"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "out/files/model/model.safetensors"));

  // The same on a user's own folder; without --keep only the report stays.
  const Ran own = run_program({"--json", "demo", "--works", "6", "--listeners", "10", "--train-seconds", "1", "--music",
                               out + "/files/audio", "--out", (folder / "own").string()});
  ASSERT_EQ(own.code, 0) << own.err;
  EXPECT_NE(step(json::parse(own.out), "ingest")["result"].get<std::string>().find("12 tracks"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "own/report.html"));
  EXPECT_FALSE(fs::exists(folder / "own/files"));
}

TEST_F(DemoCommand, TouchesNoFolderThatIsNotItsOwn) {
  write_file(folder / "out/files/precious.txt", std::string_view("mine"));
  const Ran outcome = run_program({"demo", "--works", "6", "--out", (folder / "out").string()});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(read_text(folder / "out/files/precious.txt"), "mine");
}

}  // namespace
}  // namespace euterpe
