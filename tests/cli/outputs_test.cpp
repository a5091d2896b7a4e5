// What -o names is never one of the inputs, a pipe stays a pipe, and a run that fails leaves the older file.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/files.hpp"
#include "cli/run_program.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

class Outputs : public ::testing::Test {
 protected:
  // Tests run side by side.
  fs::path folder = fs::temp_directory_path() / ("euterpe-outputs-" + std::to_string(::getpid()));

  void TearDown() override { fs::remove_all(folder); }
  void SetUp() override {
    for (const char* name : {"in/a.mid", "in/b.mid"}) {
      Score score;
      Track& track = add_track(score, "Piano", 0, 0);
      for (int i = 0; i < 40; ++i)
        track.notes.push_back({480 * i, 480, static_cast<std::uint8_t>(60 + i * (name[3] == 'a' ? 5 : 7) % 12)});
      score.sort();
      fs::create_directories(folder / "in");
      write_midi(folder / name, score);
    }
  }
  std::string at(const std::string& name) const { return (folder / name).string(); }
  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--catalog", at("catalog"), "--threads", "1"});
    return run_program(arguments);
  }
  static void write(const fs::path& path, std::string_view text) { write_file(path, text); }
  /// Through the shell, for pipes and redirections; {} stands for the program.
  std::pair<int, std::string> shell(std::string command) const {
    for (std::size_t p; (p = command.find("{}")) != std::string::npos;) command.replace(p, 2, EUTERPE_BINARY);
    const std::string all = "cd " + folder.string() + " && (" + command + ") > said 2>&1";
    const int status = std::system(("bash -c '" + all + "'").c_str());
    return {WEXITSTATUS(status), read_text(folder / "said")};
  }
};

TEST_F(Outputs, that_are_an_input_by_whatever_name_are_refused) {
  const std::string before = sha256_file(folder / "in/a.mid");
  fs::create_symlink(folder / "in/a.mid", folder / "link.json");
  fs::create_hard_link(folder / "in/a.mid", folder / "hard.shard");
  fs::create_symlink("in/a.mid", folder / "soft.svg");
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"analyze", at("in/a.mid"), "-o", at("in/a.mid")},
           {"analyze", at("in/a.mid"), "--format", "json", "-o", at("in/a.mid")},
           {"analyze", at("in/a.mid"), "-o", at("link.json")},
           {"analyze", at("in/a.mid"), "--plot", at("soft.svg")},
           {"prepare", "--folder", at("in"), "-o", at("in/a.mid")},
           {"prepare", "--folder", at("in"), "-o", at("hard.shard")},
           {"compose", "--continue", at("in/a.mid"), "-o", at("in/a.mid")},
       }) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.code, 2) << command[0] << " " << command.back() << ran.err;
    EXPECT_NE(ran.err.find("error"), std::string::npos);
    EXPECT_EQ(sha256_file(folder / "in/a.mid"), before) << command[0] << " " << command.back();
  }
  EXPECT_TRUE(fs::is_symlink(folder / "link.json"));
}

TEST_F(Outputs, go_through_pipes_and_to_standard_output) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const auto piped = shell("cat pipe > got & {} analyze in/a.mid --format beats -o pipe && wait");
  EXPECT_EQ(piped.first, 0) << piped.second;
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
  const std::string beats = read_text(folder / "got");
  EXPECT_NE(beats.find('\n'), std::string::npos);
  for (const char* to : {"-", "/dev/stdout", "/dev/fd/1"}) {
    const auto out = shell(std::string("{} analyze in/a.mid --format beats -o ") + to);
    EXPECT_EQ(out.first, 0) << out.second;
    EXPECT_EQ(out.second, beats) << to;
  }
  const auto shard = shell("{} prepare --catalog none --folder in -o - 2> summary | head -c 8");
  EXPECT_EQ(shard.second, "EUTSHARD");
  EXPECT_NE(read_text(folder / "summary").find("2 pieces"), std::string::npos);
  EXPECT_EQ(shell("{} analyze in -o -").first, 2);
}

TEST_F(Outputs, that_nobody_reads_to_the_end_are_no_error_worth_a_word) {
  const auto cut = shell(
      "for i in 1 2 3 4 5 6 7 8; do cp in/a.mid in/c$i.mid; done; "
      "{} analyze -q --embedding --json in | head -c 1");
  EXPECT_EQ(cut.second, "{");
}

TEST_F(Outputs, of_prepare_are_left_alone_when_nothing_is_left_to_write) {
  fs::create_directories(folder / "bad");
  write(folder / "bad/x.wav", "this is no sound");
  write(folder / "bad/x.mid", "this is no score");
  write(folder / "old.shard", "old");
  write(folder / "old.jsonl", "old");
  EXPECT_EQ(run({"prepare", "--folder", at("bad"), "-o", at("old.shard")}).code, 1);
  const Ran empty = run({"prepare", "--from-catalog", "-o", at("old.shard")});
  EXPECT_EQ(empty.code, 1);
  EXPECT_NE(empty.err.find("--audio-from-catalog"), std::string::npos) << empty.err;
  EXPECT_EQ(run({"prepare", "--audio", at("bad"), "-o", at("old.jsonl")}).code, 1);
  EXPECT_EQ(read_text(folder / "old.shard"), "old");
  EXPECT_EQ(read_text(folder / "old.jsonl"), "old");
  for (const char* misleading : {"s.jsonl", "s.mid", "s.json"})
    EXPECT_EQ(run({"prepare", "--folder", at("in"), "-o", at(misleading)}).code, 2) << misleading;
}

TEST_F(Outputs, of_prepare_say_what_was_damaged_and_what_was_no_score) {
  write(folder / "in/list.xml", "<list/>");
  write(folder / "in/bad.mid", "this is no score");
  const std::string whole = read_text(folder / "in/b.mid");
  write(folder / "in/cut.mid", whole.substr(0, whole.size() - 40));
  const Ran ran = run({"prepare", "--folder", at("in"), "-o", at("c.shard"), "--keep-near-duplicates", "--json"});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const auto report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(report.at("left_out").at("unreadable"), 1);
  EXPECT_EQ(report.at("left_out").at("no score"), 1);
  EXPECT_NE(report.at("left_out_pieces").dump().find("in/bad.mid"), std::string::npos);
  EXPECT_NE(report.at("noted").dump().find("in/cut.mid"), std::string::npos) << report.at("noted");
  EXPECT_TRUE(fs::exists(folder / "c.shard"));
}

}  // namespace
}  // namespace euterpe
