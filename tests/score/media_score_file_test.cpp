#include "score/score_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"
#include "score/profile.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

class ScoreFile : public testing::Test {
 protected:
  void SetUp() override {
    add_track(score_, "Flute", 73, 0).notes = {{0, 480, 72}, {480, 480, 74}, {960, 960, 67}};
    score_.meters = {{0, 4, 4}};
  }

  const TemporaryFolder folder_;
  Score score_;
};

TEST_F(ScoreFile, IsToldByItsContentWhateverItsName) {
  write_midi(folder_ / "tune.musicxml", score_);
  write_musicxml(folder_ / "tune.mid", score_);
  const ScoreReadResult midi = read_score(folder_ / "tune.musicxml"), xml = read_score(folder_ / "tune.mid");
  EXPECT_EQ(midi.format, "MIDI");
  EXPECT_EQ(xml.format, "MusicXML");
  EXPECT_EQ(midi.score.tracks[0].notes, score_.tracks[0].notes);
  EXPECT_EQ(xml.score.tracks[0].notes, score_.tracks[0].notes);
}

TEST_F(ScoreFile, IsKnownByItsNameUnlessTheNameMayBeAnything) {
  for (const char* name : {"a.mid", "a.MIDI", "a.kar", "a.musicxml", "a.MXL", "a.xml"})
    EXPECT_TRUE(is_score_name(name));
  for (const char* name : {"a.wav", "a.txt", "mid", ".mid.bak"}) EXPECT_FALSE(is_score_name(name));
  write_musicxml(folder_ / "score.xml", score_);
  write_file(folder_ / "library.xml", std::string_view("<?xml version=\"1.0\"?><plist><dict/></plist>"));
  EXPECT_TRUE(is_score_name(folder_ / "score.xml"));
  EXPECT_FALSE(is_score_name(folder_ / "library.xml"));
  EXPECT_TRUE(is_score_file(folder_ / "library.xml"));  // named by the user, it is worth an error that says what it is
}

TEST_F(ScoreFile, ReadsUtf16) {
  const std::string narrow = write_musicxml(score_);
  std::string wide = "\xFF\xFE";
  for (const char c : narrow.substr(narrow.find('\n'))) {  // without the line that says UTF-8
    wide += c;
    wide += '\0';
  }
  write_file(folder_ / "wide", std::string_view(wide));
  EXPECT_EQ(read_score(folder_ / "wide").score.tracks[0].notes, score_.tracks[0].notes);
}

TEST_F(ScoreFile, NamesTheFileThatIsNoScore) {
  write_file(folder_ / "notes.txt", std::string_view("C D E"));
  try {
    read_score(folder_ / "notes.txt");
    FAIL() << "a text is no score";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::bad_input);
    EXPECT_NE(e.detail().find("notes.txt: neither MIDI nor MusicXML"), std::string::npos) << e.detail();
  }
}

TEST(ScoreProfile, SharesPitchClassesIntervalsAndInstruments) {
  Score score;
  score.tempos = {{0, 500'000}};
  add_track(score, "Flute", 73, 0).notes = {{0, 480, 72}, {480, 480, 74}, {960, 960, 60}};
  add_track(score, "Piano", 0, 1).notes = {{0, 960, 48, 80, 1}, {0, 960, 52, 80, 1}};
  add_track(score, "Drums", 0, 9).notes = {{0, 10, 36, 80, 9}, {480, 10, 38, 80, 9}, {960, 10, 36, 80, 9}};
  score.sort();
  const ScoreProfile found = profile(score);
  EXPECT_NEAR(found.pitch_classes[0], 5.0 / 8, 1e-9);  // 1 + 2 + 2 of 8 quarters
  EXPECT_NEAR(found.pitch_classes[2], 1.0 / 8, 1e-9);
  EXPECT_NEAR(found.pitch_classes[4], 2.0 / 8, 1e-9);
  EXPECT_DOUBLE_EQ(found.intervals[12 + 2], 0.5);
  EXPECT_DOUBLE_EQ(found.intervals[0], 0.5);  // fourteen semitones down are an octave or more
  EXPECT_DOUBLE_EQ(found.instruments.at("Pipe"), 3.0 / 8);
  EXPECT_DOUBLE_EQ(found.instruments.at("Piano"), 2.0 / 8);
  EXPECT_DOUBLE_EQ(found.instruments.at("Drums"), 3.0 / 8);
  EXPECT_DOUBLE_EQ(found.statistics.at("chord_onsets"), 0.25);
  EXPECT_EQ(found.statistics.at("pitch_range"), 74 - 48);

  const ScoreProfile silent = profile(Score{});
  EXPECT_TRUE(silent.instruments.empty());
  EXPECT_EQ(silent.statistics.at("chord_onsets"), 0);
}

}  // namespace
}  // namespace euterpe
