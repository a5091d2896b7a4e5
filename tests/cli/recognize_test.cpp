// What a user of `euterpe recognize` sees: every input has an answer or a clear error, and a batch goes on.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/files.hpp"
#include "catalog/catalog.hpp"
#include "cli/run_program.hpp"
#include "recognize/music.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class RecognizeCommand : public ::testing::Test {
 protected:
  test::Folder folder;
  fs::path home = folder / "home", music = folder / "music";
  void SetUp() override { fs::create_directories(music); }

  std::vector<std::string> environment() const {
    return {"HOME=" + home.string(), "XDG_CONFIG_HOME=" + home.string(), "XDG_DATA_HOME=" + home.string()};
  }
  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "recognize");
    return run_program(arguments, environment());
  }
  std::string put(const char* name, const Score& score) const {
    write_midi(music / name, score);
    return (music / name).string();
  }
  std::string put(const char* name, const std::string& bytes) const {
    std::ofstream(music / name, std::ios::binary) << bytes;
    return (music / name).string();
  }
  static std::vector<json> lines(const std::string& text) {
    std::vector<json> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
  }
};

Score notes(int count) {
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  Random random(7);
  for (int i = 0; i < count; ++i)
    track.notes.push_back({60L * i, 120, static_cast<std::uint8_t>(36 + random.below(48)), 80, 0});
  score.sort();
  return score;
}

TEST_F(RecognizeCommand, ABatchOfBadFilesGivesEachItsCauseAndTheGoodOnesTheirAnswer) {
  encode(music / "a_silence.wav", {22050, 1, std::vector<float>(44100, 0.0f)});
  test::write_tone(music / "b_brief.wav", 440, 0.2);
  test::write_tone(music / "c_noise.wav", 440, 3, 0.3);
  put("d_one_note.mid", notes(1));
  put("e_text.mp3", std::string("this is no music"));
  put("f_empty.mp3", std::string());
  const std::string whole = put("g_hymn.mid", test::hymn(16));
  const auto bytes = read_file(whole);
  put("h_header.mid", std::string(bytes.begin(), bytes.begin() + 10));
  put("i_drums.mid", test::beat(8));
  const Ran ran = run({"--jsonl", music.string()});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const auto rows = lines(ran.out);
  ASSERT_EQ(rows.size(), 9u) << ran.out;
  for (const json& row : rows) {
    const bool answered = row.contains("answers") && !row["answers"].empty();
    EXPECT_NE(answered, row.contains("error")) << row;
    if (!answered) {
      EXPECT_NE(ran.err.find(row["error"]["detail"].get<std::string>()), std::string::npos) << ran.err;
    }
  }
  const auto failed = [&](std::size_t i) { return rows[i].contains("error"); };
  for (const std::size_t i : {0, 1, 3, 4, 5}) EXPECT_TRUE(failed(i)) << rows[i];
  EXPECT_FALSE(failed(2)) << rows[2];
  EXPECT_FALSE(failed(6)) << rows[6];
  EXPECT_EQ(rows[6]["answers"]["style"]["values"].size(), 4u);
  EXPECT_NE(ran.err.find("of 9 files have no answer"), std::string::npos) << ran.err;
}

TEST_F(RecognizeCommand, AloneABadFileFailsTheCommand) {
  const std::string text = put("text.mp3", std::string("this is no music"));
  const Ran bad = run({text});
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(bad.out, "");
  EXPECT_NE(bad.err.find("text.mp3"), std::string::npos) << bad.err;
  EXPECT_EQ(run({(music / "none.mid").string()}).code, 1);
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"--task", "loudness", text}).code, 2);
}

TEST_F(RecognizeCommand, TheTextFitsATerminal) {
  const Ran ran = run({"--curve", put("hymn.mid", test::hymn(40))});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("style            chorale"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("curve"), std::string::npos) << ran.out;
  std::istringstream in(ran.out);
  std::string line;
  std::getline(in, line);  // the path is as long as it is
  while (std::getline(in, line)) EXPECT_LE(line.size(), 100u) << line;
}

TEST_F(RecognizeCommand, APipeHasTheAnswerOfTheFile) {
  const std::string file = put("hymn.mid", test::hymn(12)), out = (folder / "piped.json").string();
  std::string setting;
  for (const std::string& entry : environment()) setting += entry + " ";
  const std::string command = setting + EUTERPE_BINARY + " recognize --json - < '" + file + "' > '" + out + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const json piped = json::parse(read_text(out))["files"][0], read = json::parse(run({"--json", file}).out)["files"][0];
  EXPECT_EQ(piped["file"], "-");
  EXPECT_EQ(piped["answers"], read["answers"]);
  const Ran none = run({"-"});  // nothing comes
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("standard input"), std::string::npos) << none.err;
}

TEST_F(RecognizeCommand, TwoHundredThousandNotesHaveAnAnswer) {
  const Ran ran = run({"--json", put("endless.mid", notes(200'000))});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json row = json::parse(ran.out)["files"][0];
  EXPECT_FALSE(row["answers"].empty());
  EXPECT_LT(ran.peak_kilobytes, 1'500'000);
}

TEST_F(RecognizeCommand, CommercialRefusesWithTheCommandThatTrainsAReplacement) {
  test::write_tone(music / "tone.wav", 440, 1);
  const Ran ran = run({"--commercial", (music / "tone.wav").string()});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("not for commercial use: style-audio"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("euterpe train style-audio --data DIR"), std::string::npos) << ran.err;
  const Ran shown = run({(music / "tone.wav").string()});
  EXPECT_EQ(shown.code, 0);
  EXPECT_NE(shown.out.find("not for commercial use: style-audio"), std::string::npos) << shown.out;
}

TEST_F(RecognizeCommand, TracksOfTheCatalogAreAskedOnce) {
  put("a.mid", test::hymn(16));
  put("b.mid", test::hymn(17));
  put("c.mid", notes(200));
  ASSERT_EQ(run_program({"ingest", music.string()}, environment()).code, 0);
  const Ran first = run({"--from-catalog", "--json"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(json::parse(first.out)["stored"], 0);
  const std::string again = run({"--from-catalog", "--json"}).out;
  EXPECT_EQ(json::parse(again)["stored"], 3);
  EXPECT_EQ(json::parse(again)["cpu_seconds"]["descriptors"], 0);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(json::parse(again)["files"][i]["answers"], json::parse(first.out)["files"][i]["answers"]);
  // The same content anywhere is the same track.
  fs::copy_file(music / "a.mid", folder / "copy.mid");
  const json copy = json::parse(run({"--json", "--similar", "1", (folder / "copy.mid").string()}).out)["files"][0];
  EXPECT_EQ(copy["stored"], true);
  ASSERT_EQ(copy["similar"].size(), 1u);
  EXPECT_EQ(copy["similar"][0]["path"], (music / "b.mid").string());
  // One track by name, and what is forgotten is not stored.
  EXPECT_EQ(json::parse(run({"--json", "--from-catalog", "a.mid"}).out)["files"].size(), 1u);
  ASSERT_EQ(run_program({"catalog", "forget", "--track", (music / "a.mid").string()}, environment()).code, 0);
  EXPECT_EQ(json::parse(run({"--json", (music / "a.mid").string()}).out)["stored"], 0);
}

TEST_F(RecognizeCommand, WhatWasAnsweredBeforeAKillIsThere) {
  constexpr std::size_t kTracks = 16;
  for (std::size_t i = 0; i < kTracks; ++i)
    put(("n" + std::to_string(i) + ".mid").c_str(), notes(600 + static_cast<int>(i)));
  ASSERT_EQ(run_program({"ingest", music.string()}, environment()).code, 0);
  const auto catalog = open_catalog(home / "euterpe");
  const auto tracks = catalog->tracks();
  const auto answered = [&] {
    return std::count_if(tracks.begin(), tracks.end(),
                         [&](const TrackRecord& t) { return !catalog->answers(t.id).empty(); });
  };
  // Nobody reads what it prints, so that it stands still when the pipe is full: after some tracks, before all.
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ASSERT_GT(::fcntl(pipe[1], F_SETPIPE_SZ, 4096), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    for (const int end : pipe) ::close(end);
    for (const char* name : {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}) ::setenv(name, home.c_str(), 1);
    ::execl(EUTERPE_BINARY, EUTERPE_BINARY, "-q", "recognize", "--from-catalog", "--jsonl", "--curve", "--threads", "2",
            nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  int status = 0;
  bool ended = false;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(5);  // lest it waits for ever
  while (answered() < 2 && !ended && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ended = ::waitpid(child, &status, WNOHANG) == child;
  }
  ASSERT_FALSE(ended) << "it was to be killed on its way, and was through";
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::close(pipe[0]);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const auto before = static_cast<std::size_t>(answered());
  EXPECT_GE(before, 2u) << "nothing was kept before it was killed";
  EXPECT_LT(before, kTracks);
  const json rest = json::parse(run({"--from-catalog", "--json"}).out);
  EXPECT_EQ(rest["stored"], before);
  EXPECT_EQ(rest["files"].size(), kTracks);
  EXPECT_EQ(rest["failed"], 0);
}

TEST_F(RecognizeCommand, AMistypedPathDoesNotStopTheOthers) {
  const std::string hymn = put("hymn.mid", test::hymn(16)), none = (music / "none.mid").string();
  const Ran ran = run({"--jsonl", none, hymn});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const auto rows = lines(ran.out);
  ASSERT_EQ(rows.size(), 2u) << ran.out;
  EXPECT_EQ(rows[0]["error"]["category"], "not_found");
  EXPECT_TRUE(rows[1].contains("answers"));
  EXPECT_NE(ran.err.find(none + ": there is no such file"), std::string::npos) << ran.err;
}

TEST_F(RecognizeCommand, ATaskThatIsNotToldOfAKindLeavesTheOtherKind) {
  const std::string hymn = put("hymn.mid", test::hymn(16)), tone = (music / "tone.wav").string();
  test::write_tone(tone, 440, 1);
  const Ran ran = run({"--jsonl", "--task", "composer", tone, hymn});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const auto rows = lines(ran.out);
  ASSERT_EQ(rows.size(), 2u) << ran.out;
  EXPECT_NE(rows[0]["error"]["detail"].get<std::string>().find("composer is not told of recordings"),
            std::string::npos);
  EXPECT_TRUE(rows[1]["answers"].contains("composer"));
  const Ran alone = run({"--task", "composer", tone});
  EXPECT_EQ(alone.code, 1);
  EXPECT_NE(alone.err.find("composer is not told of recordings"), std::string::npos) << alone.err;
}

TEST_F(RecognizeCommand, WhatAFolderHoldsBesideMusicIsCounted) {
  put("hymn", test::hymn(4));  // told by its content
  put("readme.txt", std::string("no music"));
  const Ran ran = run({"--json", music.string()});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json all = json::parse(ran.out);
  EXPECT_EQ(all["files"].size(), 1u);
  EXPECT_EQ(all["skipped"], 1);
  EXPECT_NE(ran.err.find("1 file is neither audio nor score"), std::string::npos) << ran.err;
}

TEST_F(RecognizeCommand, SimilarTracksOfNoCatalogAreNoSilence) {
  const Ran ran = run({"--similar", "3", put("hymn.mid", test::hymn(4))});
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.err.find("--similar found nothing"), std::string::npos) << ran.err;
  EXPECT_FALSE(fs::exists(home / "euterpe")) << "asking made a catalog";
}

TEST_F(RecognizeCommand, TheCatalogShowsWhatIsStored) {
  const std::string file = put("hymn.mid", test::hymn(16));
  ASSERT_EQ(run_program({"ingest", music.string()}, environment()).code, 0);
  const auto show = [&] { return run_program({"catalog", "show", file}, environment()).out; };
  EXPECT_NE(show().find("not yet"), std::string::npos) << show();
  ASSERT_EQ(run({"--from-catalog"}).code, 0);
  EXPECT_NE(show().find("style                 chorale"), std::string::npos) << show();
}

TEST_F(RecognizeCommand, AnAnswerOutlivesItsExplanation) {
  const std::string hymn = put("hymn.mid", test::hymn(12));
  const std::string picture = hymn + "/why.png";  // below a file
  const Ran ran = run({"--json", "--explain", picture, hymn});
  EXPECT_EQ(ran.code, 3) << ran.err;
  const json row = json::parse(ran.out)["files"][0];
  EXPECT_EQ(row["answers"]["style"]["values"].size(), 4u);
  EXPECT_TRUE(row["explanation"].contains("error")) << row;
  EXPECT_NE(ran.err.find("answered, but not explained"), std::string::npos) << ran.err;
  EXPECT_EQ(run({"--explain", (folder / "why.gif").string(), hymn}).code, 2);
}

TEST_F(RecognizeCommand, ExplainDrawsAPictureAndSaysNumbers) {
  const std::string picture = (folder / "why.png").string();
  const Ran ran = run({"--json", "--explain", picture, put("hymn.mid", test::hymn(12))});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_GT(fs::file_size(picture), 5'000u);
  const json why = json::parse(ran.out)["files"][0]["explanation"];
  EXPECT_EQ(why["task"], "style");
  EXPECT_EQ(why["answer"], "chorale");
  EXPECT_FALSE(why["bars"].empty());
  const std::string deep = (folder / "new" / "why.png").string();
  const Ran said = run({"--explain", deep, (music / "hymn.mid").string()});
  EXPECT_NE(said.out.find("because          style chorale"), std::string::npos) << said.out;
  EXPECT_NE(said.err.find("made the folder"), std::string::npos) << said.err;
  EXPECT_EQ(run({"--explain", picture, (music / "hymn.mid").string(), (music / "hymn.mid").string()}).code, 2);
}

}  // namespace
}  // namespace euterpe
