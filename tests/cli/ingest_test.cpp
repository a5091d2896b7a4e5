// The catalog's commands from end to end: the program as people run it, on files made here.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/files.hpp"
#include "catalog/support.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Outcome {
  int code = -1;
  std::string out, err;
};

class Commands : public ::testing::Test {
 protected:
  /// Runs `euterpe ARGUMENTS` on this test's catalog through the shell.
  Outcome run(const std::string& arguments) {
    const std::string command =
        fmt::format("'{}' --catalog '{}' {} >'{}' 2>'{}'", binary(), (folder / "catalog").string(), arguments,
                    (folder / "out").string(), (folder / "err").string());
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(folder / "out"), read_text(folder / "err")};
  }

  static std::string binary() {
    const char* set = std::getenv("EUTERPE_TEST_BINARY");
    return set && *set ? set : EUTERPE_BINARY;
  }

  void make_library() {
    for (int i = 0; i < 3; ++i) {
      test::write(folder / fmt::format("music/{}.wav", i), test::wav(220 * (i + 1), 1.0));
      test::write(folder / fmt::format("music/{}.mid", i), test::midi(50 + i));
    }
  }
  std::string music() const { return (folder / "music").string(); }

  test::TemporaryFolder folder;
};

TEST_F(Commands, IngestCountsAndIsDoneTheSecondTime) {
  make_library();
  test::write(folder / "music/cover.jpg", "x");
  const Outcome first = run("ingest --json " + music());
  ASSERT_EQ(first.code, 0) << first.err;
  const json counts = json::parse(first.out);
  EXPECT_EQ(counts["new"], 6);
  EXPECT_EQ(counts["skipped"], 1);
  const json again = json::parse(run("ingest --json " + music()).out);
  EXPECT_EQ(again["new"], 0);
  EXPECT_EQ(again["known"], 6);
  const json tracks = json::parse(run("catalog list --json").out)["tracks"];
  ASSERT_EQ(tracks.size(), 6u);
  const std::string id = sha256_file(folder / "music/1.wav");
  const json one = json::parse(run("catalog show --json " + id.substr(0, 16)).out);
  EXPECT_EQ(one["title"], "1");
  EXPECT_EQ(one["kind"], "audio");
  EXPECT_NEAR(one["duration"].get<double>(), 1.0, 0.05);
  EXPECT_FALSE(one["numbers"].empty());
  EXPECT_EQ(run("catalog check").code, 0);
}

TEST_F(Commands, ABadFileIsNamedAndTheExitCodeIs3) {
  make_library();
  test::write(folder / "music/broken.mid", "MThd this is no MIDI file");
  test::write(folder / "music/empty.mp3", "");
  const Outcome outcome = run("ingest --jsonl " + music());
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("broken.mid"), std::string::npos);
  std::istringstream lines(outcome.out);
  int failed = 0, fresh = 0;
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    failed += row["status"] == "failed";
    fresh += row["status"] == "new";
  }
  EXPECT_EQ(failed, 2);
  EXPECT_EQ(fresh, 6);
  EXPECT_NE(run("catalog list --failures").out.find("empty.mp3: the file is empty"), std::string::npos);
}

TEST_F(Commands, AListeningLogGoesInAndItsBrokenLinesAreNamed) {
  test::write(folder / "log.csv", "user,track,time\nann,x,1\nann,y,never\n");
  const Outcome outcome = run("ingest --json --listens " + (folder / "log.csv").string());
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(json::parse(outcome.out)["listens"]["new"], 1);
  EXPECT_NE(outcome.err.find("line 3"), std::string::npos);
  EXPECT_EQ(run("catalog list --users").out, "ann\n");
}

TEST_F(Commands, SeveralLogsOfAnyFormatGoInTogether) {
  test::write(folder / "a.csv", "user,track,time\nann,x,1\n");
  test::write(folder / "b.dat", "1::2::3::978300760\n1::4::3::1577836800000\n");
  test::write(folder / "c.gz", "\x1F\x8B\x08");
  const auto log = [&](const char* name) { return " --listens " + (folder / name).string(); };
  const Outcome outcome = run("ingest --json" + log("a.csv") + log("b.dat") + log("c.gz"));
  EXPECT_EQ(outcome.code, 3);
  const json listens = json::parse(outcome.out)["listens"];
  EXPECT_EQ(listens["new"], 2);
  EXPECT_EQ(listens["broken"], 1);
  EXPECT_EQ(listens["files"][0]["format"], "csv");
  EXPECT_EQ(listens["files"][1]["format"], "movielens");
  EXPECT_NE(listens["problems"][0].get<std::string>().find("b.dat: line 2: '1577836800000' is a time in milliseconds"),
            std::string::npos);
  EXPECT_NE(outcome.err.find("1 of 3 logs failed"), std::string::npos);
  EXPECT_EQ(run("ingest" + log("c.gz")).code, 1) << "alone it is an error";
}

TEST_F(Commands, AFormatCanBeNamedAndStandardInputIsALog) {
  test::write(folder / "log.txt", "5 6\n5 7\n");
  const std::string path = (folder / "log.txt").string();
  const json pairs = json::parse(run("ingest --json --listens - < '" + path + "'").out)["listens"];
  EXPECT_EQ(pairs["files"][0]["format"], "pairs");
  const json histories =
      json::parse(run("ingest --json --listens-format histories --listens '" + path + "' '" + path + "'").out);
  EXPECT_EQ(histories["listens"]["new"], 4) << "a path after the log is music";
  EXPECT_EQ(run("ingest --listens-format mp3 --listens " + path).code, 2);
}

TEST_F(Commands, RightsAreSetShownAndCarriedAsATable) {
  make_library();
  run("ingest " + music());
  const Outcome set = run("rights set 1.wav --owner 'Ann B' --licence CC-BY-4.0 --share 0.5 --may-train no --json");
  ASSERT_EQ(set.code, 0) << set.err;
  run("rights set 1.wav --owner Cid");
  const json rights = json::parse(run("rights show 1.wav --json").out);
  EXPECT_EQ(rights["owner"], "Cid");
  EXPECT_EQ(rights["may_train"], false);
  EXPECT_EQ(rights["share"], 0.5);

  const std::string table = (folder / "rights.csv").string();
  ASSERT_EQ(run("rights export " + table).code, 0);
  run("rights set 1.wav --owner Nobody --may-train yes");
  EXPECT_EQ(run("rights import " + table).code, 0);
  EXPECT_EQ(json::parse(run("rights show 1.wav --json").out), rights);
  EXPECT_EQ(run("rights set 1.wav").code, 2);
  EXPECT_EQ(run("rights set 1.wav --may-train perhaps").code, 2);
  EXPECT_EQ(run("rights show none.wav").code, 1);
}

TEST_F(Commands, ABackupRestoresAndAForgottenListenerIsGone) {
  make_library();
  test::write(folder / "log.csv", "Wilhelmine,1.wav,1\nbob,1.wav,2\n");
  run("ingest " + music() + " --listens " + (folder / "log.csv").string());
  const std::string backup = (folder / "backup.jsonl").string();
  ASSERT_EQ(run("catalog export " + backup).code, 0);
  const std::string before = run("catalog export").out;
  EXPECT_NE(before.find("Wilhelmine"), std::string::npos);

  EXPECT_EQ(run("catalog forget Wilhelmine").code, 0);
  EXPECT_EQ(run("catalog export").out.find("Wilhelmine"), std::string::npos);
  EXPECT_EQ(run("catalog forget Wilhelmine").code, 1);

  fs::remove_all(folder / "catalog");
  EXPECT_EQ(run("catalog import " + backup).code, 0);
  EXPECT_EQ(run("catalog export").out, before);
}

TEST_F(Commands, ForgetNeverTakesAListenersNumberForATrack) {
  make_library();
  run("ingest " + music());
  const std::string id = sha256_file(folder / "music/1.wav");
  EXPECT_EQ(run("catalog forget " + id.substr(0, 3)).code, 1);
  test::write(folder / "log.csv", id.substr(0, 12) + ",x,1\n");
  run("ingest --listens " + (folder / "log.csv").string());
  EXPECT_EQ(run("catalog forget " + id.substr(0, 12)).code, 2);
  EXPECT_EQ(run("catalog forget --track " + id.substr(0, 12)).code, 0);
  EXPECT_EQ(json::parse(run("catalog list --json").out)["tracks"].size(), 5u);
  EXPECT_EQ(run("catalog list --users").out, id.substr(0, 12) + "\n");
}

TEST_F(Commands, ASignalStopsAnIngestCleanlyAndItGoesOnLater) {
  for (int i = 0; i < 400; ++i) test::write(folder / fmt::format("music/{:03}.wav", i), test::wav(100 + i, 2.0));
  const std::string command =
      fmt::format("timeout --preserve-status -s INT 0.6 '{}' --catalog '{}' --threads 1 ingest --json '{}' >'{}' 2>&1",
                  binary(), (folder / "catalog").string(), music(), (folder / "out").string());
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 0) GTEST_SKIP() << "this machine had taken all 400 files before the signal came";
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(run("catalog check").code, 0);
  const json rest = json::parse(run("ingest --json " + music()).out);
  EXPECT_EQ(rest["new"].get<int>() + rest["known"].get<int>(), 400);
}

TEST_F(Commands, WrongUseSaysWhatIsWrong) {
  EXPECT_EQ(run("ingest").code, 2);
  EXPECT_EQ(run("ingest " + (folder / "nowhere").string()).code, 1);
  EXPECT_EQ(run("catalog").code, 2);
  EXPECT_EQ(run("catalog import " + (folder / "nowhere").string()).code, 1);
  EXPECT_EQ(run("catalog list --users --failures").code, 2);
}

}  // namespace
}  // namespace euterpe
