#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

class Program : public ::testing::Test {
 protected:
  fs::path home = fs::temp_directory_path() / ("euterpe-program-" + std::to_string(::getpid()));
  void SetUp() override { fs::create_directories(home); }
  void TearDown() override { fs::remove_all(home); }
  Ran run(const std::vector<std::string>& arguments, std::vector<std::string> environment = {}) const {
    for (const char* name : {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"})
      environment.insert(environment.begin(), std::string(name) + "=" + home.string());
    return run_program(arguments, environment);
  }
};

constexpr const char* kCommands[] = {"ingest",    "analyze",  "prepare",  "train",      "recognize", "compose",
                                     "recommend", "promote",  "identify", "rights",     "catalog",   "models",
                                     "config",    "evaluate", "demo",     "completion", "man"};

TEST_F(Program, HelpListsEveryCommand) {
  const Ran help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  for (const char* command : kCommands)
    EXPECT_NE(help.out.find(std::string("\n  ") + command + " "), std::string::npos) << command;
}

TEST_F(Program, EveryCommandHasHelp) {
  for (const char* command : kCommands) {
    const Ran help = run({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_NE(help.out.find(std::string("euterpe ") + command), std::string::npos) << command;
  }
}

TEST_F(Program, VersionSaysWhatIsLinked) {
  const Ran version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out.rfind("euterpe ", 0), 0u);
  for (const char* name : {"FFmpeg", "libtorch", "BLAS", "SQLite", "FluidSynth"})
    EXPECT_NE(version.out.find(name), std::string::npos) << name;
}

TEST_F(Program, WrongUsageExitsWithTwoAndSaysWhereHelpIs) {
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"--frobnicate"},
                                                    {"config", "show", "--frobnicate"},
                                                    {"evaluate", "no-such-task", "--data", "/"},
                                                    {"evaluate", "midi"},
                                                    {"--threads", "-1", "config", "show"},
                                                    {"--threads", "x", "config", "show"},
                                                    {"--json", "--jsonl", "config", "show"}};
  for (const auto& arguments : wrong) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2) << ::testing::PrintToString(arguments);
    EXPECT_EQ(ran.out, "") << ::testing::PrintToString(arguments);
    EXPECT_EQ(ran.err.rfind("euterpe: error: ", 0), 0u) << ran.err;
    EXPECT_NE(ran.err.find("hint: see `euterpe"), std::string::npos) << ran.err;
  }
}

TEST_F(Program, AMistypedCommandNamesTheLikelyOne) {
  const Ran ran = run({"recomend", "x"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("did you mean `euterpe recommend`?"), std::string::npos) << ran.err;
}

TEST_F(Program, SettingsSayWhereTheyComeFrom) {
  fs::create_directories(home / "euterpe");
  std::ofstream(home / "euterpe" / "config.toml") << "threads = 2\nseed = 5\n";
  const Ran ran = run({"config", "show", "--origin", "--json", "--catalog", "/c"}, {"EUTERPE_SEED=6"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto shown = nlohmann::json::parse(ran.out);
  EXPECT_EQ(shown["threads"]["value"], "2");
  EXPECT_EQ(shown["threads"]["origin"], "file " + (home / "euterpe" / "config.toml").string() + ":1");
  EXPECT_EQ(shown["seed"]["value"], "6");
  EXPECT_EQ(shown["seed"]["origin"], "environment EUTERPE_SEED");
  EXPECT_EQ(shown["catalog"]["origin"], "flag --catalog");
  const Ran text = run({"config", "show", "--origin"});
  EXPECT_NE(text.out.find("file " + home.string()), std::string::npos) << text.out;
}

TEST_F(Program, AWrongSettingIsAUsageErrorThatNamesItsPlace) {
  std::ofstream(home / "own.toml") << "# mine\ncolour = 1\n";
  const Ran unknown = run({"--config", (home / "own.toml").string(), "config", "show"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("own.toml:2: unknown key 'colour'"), std::string::npos) << unknown.err;
  const Ran number = run({"config", "show"}, {"EUTERPE_THREADS=many"});
  EXPECT_EQ(number.code, 2);
  EXPECT_NE(number.err.find("EUTERPE_THREADS"), std::string::npos) << number.err;
}

TEST_F(Program, WhatDoesNotExistExitsWithOneAndAHint) {
  const Ran model = run({"models", "show", "no-such-model"});
  EXPECT_EQ(model.code, 1);
  EXPECT_NE(model.err.find("there is no model 'no-such-model'"), std::string::npos) << model.err;
  EXPECT_NE(model.err.find("hint: "), std::string::npos) << model.err;
  const Ran data = run({"evaluate", "midi", "--data", (home / "none").string()});
  EXPECT_EQ(data.code, 1);
  EXPECT_NE(data.err.find("no such file"), std::string::npos) << data.err;
}

TEST_F(Program, RecognizeAnswersForTheOtherFilesWhereOneCannotBeRead) {
  const std::string unreadable = "/proc/self/mem";  // opens, even for root, but no byte stands at its beginning
  if (!fs::exists(unreadable)) GTEST_SKIP() << "there is no " << unreadable << ": it is a file that nobody can read";
  const std::string song = (home / "song.mid").string();
  write_midi(song, test::walk(1, 16));
  const Ran ran = run({"recognize", "--json", unreadable, song});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const auto files = nlohmann::json::parse(ran.out)["files"];
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0]["error"]["category"], "io");
  EXPECT_EQ(files[1]["kind"], "score");
  EXPECT_EQ(run({"recognize", unreadable}).code, 1);
  EXPECT_EQ(run({"recognize", "--model", "no-such-model", unreadable, song}).code, 1);  // none can have an answer
}

TEST_F(Program, ModelsMarkedNonCommercialAreRefusedOnRequest) {
  const fs::path shipped = home / "models";
  fs::create_directories(shipped / "m");
  std::ofstream(shipped / "m" / "model.safetensors") << std::string("\2\0\0\0\0\0\0\0{}", 10);
  std::ofstream(shipped / "m" / "card.json")
      << nlohmann::json{{"format_version", 1},
                        {"name", "m"},
                        {"task", "compose"},
                        {"network", "none"},
                        {"commercial", false},
                        {"weights_sha256", "not reached"},
                        {"data", {{{"name", "d"}, {"licence", "CC-BY-NC-4.0"}}}}};
  const Ran refused = run({"models", "show", "m", "--commercial"}, {"EUTERPE_MODELS=" + shipped.string()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("CC-BY-NC-4.0"), std::string::npos) << refused.err;
  const Ran listed = run({"models", "list", "--commercial", "--json"}, {"EUTERPE_MODELS=" + shipped.string()});
  ASSERT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(nlohmann::json::parse(listed.out)["left_out"], 1);
}

TEST_F(Program, CompletionAndManualKnowEveryCommand) {
  const Ran completion = run({"completion", "bash"}), manual = run({"man"});
  ASSERT_EQ(completion.code, 0);
  ASSERT_EQ(manual.code, 0);
  for (const char* command : kCommands) {
    EXPECT_NE(completion.out.find(std::string("\"euterpe ") + command + "\""), std::string::npos) << command;
    EXPECT_NE(manual.out.find(std::string(".SS ") + command), std::string::npos) << command;
  }
  // The script itself completes: `euterpe config s` becomes `show`.
  std::ofstream(home / "completion.bash") << completion.out;
  const std::string script = "source '" + (home / "completion.bash").string() +
                             "'; COMP_WORDS=(euterpe config s); COMP_CWORD=2; _euterpe; [ \"${COMPREPLY[*]}\" = show ]";
  std::ofstream(home / "try.bash") << script;
  EXPECT_EQ(std::system(("bash '" + (home / "try.bash").string() + "'").c_str()), 0);
}

}  // namespace
}  // namespace euterpe
