#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/files.hpp"
#include "cli/run_program.hpp"
#include "score/annotation_formats.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

/// A folder with the same tune as MIDI and as MusicXML: I–IV–V–I in C, a chord and a line in each bar, four times.
class AnalyzeProgram : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("euterpe_analyze_" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "in");
    Score score;
    score.meters = {{0, 4, 4}};
    score.tempos = {{0, 500'000}};
    Track& track = add_track(score, "Piano", 0, 0);
    constexpr std::uint8_t kRoots[] = {48, 53, 55, 48};
    for (int bar = 0; bar < 16; ++bar) {
      const std::uint8_t root = kRoots[bar % 4];
      for (const int above : {0, 4, 7})
        track.notes.push_back({1920 * bar, 1920, static_cast<std::uint8_t>(root + above)});
      for (int beat = 0; beat < 4; ++beat) {
        const int above = beat % 2 == 0 ? 24 : 28;
        track.notes.push_back({1920 * bar + 480 * beat, 480, static_cast<std::uint8_t>(root + above)});
      }
    }
    score.sort();
    write_midi(folder_ / "in/tune.mid", score);
    write_musicxml(folder_ / "in/copy.musicxml", score);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(AnalyzeProgram, SaysTheSameOfAScoreInEitherFormat) {
  const auto json = [&](const char* name) {
    return nlohmann::json::parse(
        run_program({"analyze", "--annotations", "--json", (folder_ / "in" / name).string()}).out);
  };
  const auto midi = json("tune.mid"), xml = json("copy.musicxml");
  EXPECT_EQ(midi["key"], "C major");
  EXPECT_EQ(midi["notes"], 16 * 7);
  EXPECT_EQ(midi["instruments"]["Piano"], 1);
  EXPECT_EQ(midi["annotations"]["chords"][0]["chord"], "C:maj");
  EXPECT_GE(midi["annotations"]["beats"].size(), 60u);
  for (const char* same : {"key", "notes", "bars", "pitch_classes", "intervals", "polyphony", "annotations"}) {
    nlohmann::json a = midi[same], b = xml[same];
    if (a.is_object()) a.erase("title"), b.erase("title");
    EXPECT_EQ(a, b) << same;
  }
}

TEST_F(AnalyzeProgram, WritesAnnotationsWhereItIsTold) {
  const std::string tune = (folder_ / "in/tune.mid").string();
  const Ran chords = run_program({"analyze", tune, "--format", "chords"});
  EXPECT_EQ(chords.code, 0) << chords.err;
  EXPECT_NE(chords.out.find("\tC:maj\n"), std::string::npos) << chords.out;

  EXPECT_EQ(run_program({"analyze", tune, "-o", (folder_ / "one.jams").string()}).code, 0);
  const auto jams = nlohmann::json::parse(read_text(folder_ / "one.jams"));
  EXPECT_EQ(jams["file_metadata"]["title"], "tune");

  const Ran all =
      run_program({"analyze", (folder_ / "in").string(), "--format", "lab", "-o", (folder_ / "out").string()});
  EXPECT_EQ(all.code, 0) << all.err;
  std::set<std::string> written;
  for (const auto& entry : fs::directory_iterator(folder_ / "out")) written.insert(entry.path().filename());
  EXPECT_EQ(written.size(), 12u);
  EXPECT_FALSE(read_chord_lab(folder_ / "out/tune.chords.lab").empty());
  EXPECT_FALSE(read_beats(folder_ / "out/copy.positions.txt").empty());

  const Ran nowhere = run_program({"analyze", tune, "--format", "lab"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_NE(nowhere.err.find("-o"), std::string::npos);
}

TEST_F(AnalyzeProgram, OverwritesNoAnnotationsByOthersOfTheSameName) {
  fs::create_directories(folder_ / "more");
  fs::copy_file(folder_ / "in/tune.mid", folder_ / "more/tune.mid");
  const std::string out = (folder_ / "out").string();
  const Ran ran = run_program({"analyze", (folder_ / "in").string(), (folder_ / "more").string(), "-o", out});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("more/tune.mid"), std::string::npos) << ran.err;
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(AnalyzeProgram, TakesStandardInput) {
  const auto piped = [&](const std::string& file) {
    const std::string out = (folder_ / "piped").string();
    const std::string command = std::string(EUTERPE_BINARY) + " analyze - < " + file + " > " + out + " 2>&1";
    const int status = std::system(command.c_str());
    return std::pair(WEXITSTATUS(status), read_text(out));
  };
  for (const char* name : {"tune.mid", "copy.musicxml"}) {
    const auto [code, out] = piped((folder_ / "in" / name).string());
    EXPECT_EQ(code, 0);
    EXPECT_NE(out.find("C major"), std::string::npos) << out;
  }
  const auto [code, out] = piped("/dev/null");
  EXPECT_EQ(code, 1);
  EXPECT_NE(out.find("standard input is empty"), std::string::npos) << out;
}

}  // namespace
}  // namespace euterpe
