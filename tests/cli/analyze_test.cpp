#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/files.hpp"
#include "cli/run_program.hpp"
#include "evaluate/npy.hpp"
#include "media/encode.hpp"
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

TEST_F(AnalyzeProgram, SaysChordsFormAndKeysWithTheirTimes) {
  const Ran ran = run_program({"analyze", "--annotations", (folder_ / "in/tune.mid").string()});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("chord          0:00.0  0:02.0  C:maj\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("  0:32.0  C major\n"), std::string::npos) << ran.out;  // and not a moment longer
  EXPECT_EQ(ran.out.find(":60.0"), std::string::npos) << ran.out;
}

TEST_F(AnalyzeProgram, LetsTheNameDecideOrAsks) {
  const std::string tune = (folder_ / "in/tune.mid").string();
  for (const char* unclear : {"x.lab", "x.txt", "x.mid", "x.wav"}) {
    const Ran ran = run_program({"analyze", tune, "-o", (folder_ / unclear).string()});
    EXPECT_EQ(ran.code, 2) << unclear;
    EXPECT_NE(ran.err.find(".chords.lab"), std::string::npos) << ran.err;
    EXPECT_FALSE(fs::exists(folder_ / unclear));
  }
  const std::string beats = (folder_ / "x.beats.txt").string();
  const Ran named = run_program({"analyze", tune, "-o", beats});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_NE(named.out.find(beats), std::string::npos) << "says what it wrote: " << named.out;
  EXPECT_FALSE(read_beats(beats).empty());
  EXPECT_EQ(run_program({"analyze", tune, "--format", "beats", "--json"}).code, 2);
  EXPECT_EQ(run_program({"analyze", tune, "--similar", "-1"}).code, 2);
  const auto json = nlohmann::json::parse(run_program({"analyze", tune, "--json"}).out);
  EXPECT_TRUE(json.at("notes").is_number_integer());
  const Ran similar = run_program({"analyze", tune, "--similar", "3", "--catalog", (folder_ / "none").string()});
  EXPECT_EQ(similar.code, 0);
  EXPECT_NE(similar.err.find("holds no track"), std::string::npos) << similar.err;
}

TEST_F(AnalyzeProgram, WritesDescriptorsForOtherTools) {
  const std::string wav = (folder_ / "tone.wav").string();
  AudioBuffer audio;
  audio.sample_rate = 22050;
  audio.channels = 1;
  for (int i = 0; i < 22050; ++i) audio.samples.push_back(0.25F * std::sin(0.0627F * static_cast<float>(i)));
  encode(wav, audio);
  const Ran files = run_program({"analyze", wav, "--descriptors", "mfcc,rms,pyin_f0", "-o", (folder_ / "d").string()});
  EXPECT_EQ(files.code, 0) << files.err;
  const NpyArray mfcc = read_npy(folder_ / "d/tone.mfcc.npy"), rms = read_npy(folder_ / "d/tone.rms.npy");
  EXPECT_EQ(mfcc.rows, 20u);
  EXPECT_EQ(mfcc.columns, 44u);
  EXPECT_NEAR(rms.values[20], 0.25 / std::sqrt(2), 1e-3);
  EXPECT_NEAR(read_npy(folder_ / "d/tone.pyin_f0.npy").values[20], 220, 1);
  const auto sheet = nlohmann::json::parse(read_text(folder_ / "d/tone.descriptors.json"));
  EXPECT_EQ(sheet.at("hop_length"), 512);
  EXPECT_EQ(sheet.at("descriptors").size(), 3u);

  const Ran csv = run_program({"analyze", wav, "--descriptors", "rms", "--hop-length", "2205", "--duration", "0.5"});
  EXPECT_EQ(csv.code, 0) << csv.err;
  EXPECT_EQ(csv.out.substr(0, 9), "time,rms\n");
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 7);
  EXPECT_NE(csv.out.find("\n0.100000,"), std::string::npos) << csv.out;

  const Ran table = run_program({"analyze", wav, "--statistics", "--descriptors", "rms,tempo"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out.substr(0, 31), "file,duration,rms_mean,rms_devi") << table.out;
  const Ran json = run_program({"analyze", wav, "--statistics", "--json"});
  const auto statistics = nlohmann::json::parse(json.out).at("statistics");
  EXPECT_EQ(statistics.at("mfcc").at("median").size(), 20u);
  EXPECT_EQ(run_program({"analyze", wav, "--descriptors", "mfcc,rms"}).code, 2) << "two tables on one output";
  EXPECT_EQ(run_program({"analyze", wav, "--descriptors", "loudness"}).code, 2);
  EXPECT_EQ(run_program({"analyze", (folder_ / "in/tune.mid").string(), "--descriptors", "rms"}).code, 1);
  const Ran list = run_program({"analyze", "--list-descriptors"});
  EXPECT_EQ(list.code, 0);
  EXPECT_NE(list.out.find("spectral_centroid"), std::string::npos);
}

TEST_F(AnalyzeProgram, WarnsOfAHeaderThatPromisesMoreAndHearsSoundUnderAScoresName) {
  const fs::path wav = folder_ / "ok.wav";
  AudioBuffer audio;
  audio.sample_rate = 44100;
  audio.channels = 1;
  for (int i = 0; i < 44100; ++i) audio.samples.push_back(0.25F * std::sin(0.05F * static_cast<float>(i)));
  encode(wav, audio);
  std::string bytes = read_text(wav);
  bytes.resize(bytes.size() / 2);
  write_file(folder_ / "lie.wav", std::string_view(bytes));
  const Ran lie = run_program({"analyze", (folder_ / "lie.wav").string()});
  EXPECT_EQ(lie.code, 0);
  EXPECT_NE(lie.out.find("warning"), std::string::npos) << lie.out;
  encode(folder_ / "x.ogg", audio);
  fs::rename(folder_ / "x.ogg", folder_ / "x.mid");
  const Ran named = run_program({"analyze", (folder_ / "x.mid").string()});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_NE(named.out.find("audio"), std::string::npos) << named.out;
}

}  // namespace
}  // namespace euterpe
