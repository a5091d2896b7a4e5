#include "recognize/recognize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "media/encode.hpp"
#include "recognize/training.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "euterpe-test-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

/// "Old Hundredth" (Bourgeois 1551) in four parts, over and over: quarter notes, the last of each line held for two.
Score hymn(int bars) {
  static constexpr int kVoices[4][32] = {{67, 67, 66, 64, 62, 67, 69, 71, 71, 71, 71, 69, 67, 72, 71, 69,
                                          67, 69, 71, 69, 67, 64, 66, 67, 74, 71, 67, 69, 72, 71, 69, 67},
                                         {62, 62, 62, 59, 59, 64, 66, 67, 67, 67, 67, 66, 64, 67, 67, 66,
                                          64, 66, 67, 66, 64, 60, 62, 62, 67, 67, 64, 66, 67, 67, 66, 62},
                                         {59, 59, 57, 55, 55, 59, 62, 62, 62, 62, 62, 62, 59, 64, 62, 62,
                                          59, 62, 62, 62, 59, 57, 57, 59, 59, 62, 59, 62, 64, 62, 60, 59},
                                         {55, 55, 50, 52, 55, 52, 50, 43, 55, 55, 55, 50, 52, 48, 55, 50,
                                          52, 50, 43, 50, 52, 57, 50, 43, 55, 55, 52, 50, 48, 50, 50, 43}};
  Score score;
  for (int voice = 0; voice < 4; ++voice) {
    Track& track = add_track(score, "voice", 52, voice);
    std::int64_t start = 0;
    for (int beat = 0; start < bars * 4 * 480; ++beat) {
      const std::int64_t length = beat % 8 == 7 ? 960 : 480;
      track.notes.push_back(
          {start, length, static_cast<std::uint8_t>(kVoices[voice][beat % 32]), 80, static_cast<std::uint8_t>(voice)});
      start += length;
    }
  }
  score.sort();
  return score;
}

std::string failure(const std::function<void()>& action, Category category) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), category) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

void write_tone(const fs::path& path, double frequency, double seconds, double noise) {
  AudioBuffer audio{22050, 1, std::vector<float>(static_cast<std::size_t>(22050 * seconds))};
  Random random(static_cast<std::uint64_t>(frequency));
  for (std::size_t i = 0; i < audio.samples.size(); ++i)
    audio.samples[i] = static_cast<float>(0.3 * std::sin(2 * M_PI * frequency * static_cast<double>(i) / 22050) +
                                          noise * random.normal());
  encode(path, audio);
}

TEST(Recognize, NamesAFourPartHymnAChoraleInAnyFileOfMidi) {
  const Folder folder;
  write_midi(folder.path / "hymn.bin", hymn(16));  // told by content, not by name
  const Recognition found = Recognizer().recognize(folder.path / "hymn.bin");
  EXPECT_EQ(found.kind, "score");
  EXPECT_EQ(found.style.front().first, "chorale");
  EXPECT_GT(found.style.front().second, 0.7);
  double sum = 0;
  for (const auto& [label, p] : found.style) sum += p;
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_TRUE(found.commercial);
  EXPECT_EQ(found.model_hash.size(), 64u);
}

TEST(Recognize, GivesBytesFromAPipeTheAnswerOfTheFile) {
  const Folder folder;
  write_midi(folder.path / "hymn.mid", hymn(8));
  Recognizer recognizer;
  const auto bytes = read_file(folder.path / "hymn.mid");
  EXPECT_EQ(recognizer.recognize(std::span<const std::uint8_t>(bytes)).style,
            recognizer.recognize(folder.path / "hymn.mid").style);
}

TEST(Recognize, DoesNotDependOnProgramVelocityTempoOrDrums) {
  const Folder folder;
  Score plain = hymn(8), dressed = hymn(8);
  dressed.tempos = {{0, 250000}};
  for (Track& track : dressed.tracks) {
    for (Note& note : track.notes) note.velocity = 120;
    track.events = {{0, 0xC0, track.notes[0].channel, 30, 0}};
    track.program = 30;
  }
  Track& drums = add_track(dressed, "drums", 0, 9);
  for (int i = 0; i < 64; ++i) drums.notes.push_back({i * 240, 60, 36, 100, 9});
  dressed.sort();
  write_midi(folder.path / "plain.mid", plain);
  write_midi(folder.path / "dressed.mid", dressed);
  Recognizer recognizer;
  EXPECT_EQ(recognizer.recognize(folder.path / "plain.mid").style,
            recognizer.recognize(folder.path / "dressed.mid").style);
}

TEST(Recognize, SaysWhyAScoreHasNoAnswer) {
  const Folder folder;
  Score one_note, drums, empty;
  add_track(one_note, "piano", 0, 0).notes = {{0, 480, 60}};
  add_track(drums, "drums", 0, 9).notes = {{0, 480, 36, 80, 9}, {480, 480, 38, 80, 9}};
  add_track(empty, "piano", 0, 0);
  Recognizer recognizer;
  const auto message = [&](const Score& score) {
    write_midi(folder.path / "case.mid", score);
    return failure([&] { recognizer.recognize(folder.path / "case.mid"); }, Category::bad_input);
  };
  EXPECT_NE(message(one_note).find("1 pitched note: too few"), std::string::npos);
  EXPECT_NE(message(drums).find("drums alone"), std::string::npos);
  EXPECT_NE(message(empty).find("no notes"), std::string::npos);
  EXPECT_NE(message(empty).find("case.mid"), std::string::npos);
}

TEST(Recognize, AnswersForNotesFarApartAndVeryLongPieces) {
  Score sparse = hymn(1), endless = hymn(400);
  for (Track& track : sparse.tracks)
    for (std::size_t i = 0; i < track.notes.size(); ++i) track.notes[i].start *= 100;
  Recognizer recognizer;
  for (const Score& score : {sparse, endless}) {
    const auto bytes = write_midi(score);
    EXPECT_NO_THROW(recognizer.recognize(std::span<const std::uint8_t>(bytes)));
  }
}

TEST(Recognize, SaysWhyAudioHasNoAnswer) {
  const Folder folder;
  write_tone(folder.path / "brief.wav", 440, 0.1, 0);
  encode(folder.path / "silence.wav", {22050, 1, std::vector<float>(44100, 0.0f)});
  std::ofstream(folder.path / "text.mp3") << "this is no music";
  Recognizer recognizer;
  const auto message = [&](const char* name) {
    return failure([&] { recognizer.recognize(folder.path / name); }, Category::bad_input);
  };
  EXPECT_NE(message("brief.wav").find("shorter than a quarter of a second"), std::string::npos);
  EXPECT_NE(message("silence.wav").find("silence"), std::string::npos);
  EXPECT_NE(message("text.mp3").find("text.mp3"), std::string::npos);
}

TEST(Recognize, AnswersForATone) {
  const Folder folder;
  write_tone(folder.path / "tone.wav", 440, 2, 0);
  const Recognition found = Recognizer().recognize(folder.path / "tone.wav");
  EXPECT_EQ(found.kind, "audio");
  EXPECT_EQ(found.style.size(), 4u);
  EXPECT_FALSE(found.commercial);
}

TEST(Recognize, RefusesNonCommercialWeightsAndSaysHowToReplaceThem) {
  const Folder folder;
  write_tone(folder.path / "tone.wav", 440, 1, 0);
  write_midi(folder.path / "hymn.mid", hymn(8));
  RecognizeOptions options;
  options.commercial = true;
  Recognizer recognizer(options);
  EXPECT_NO_THROW(recognizer.recognize(folder.path / "hymn.mid"));
  const auto message = failure([&] { recognizer.recognize(folder.path / "tone.wav"); }, Category::refused);
  EXPECT_NE(message.find("emotify"), std::string::npos);
  EXPECT_NE(message.find("euterpe train style-audio"), std::string::npos);
}

TEST(Recognize, LoadsTheModelThatAFileAsksForBeforeItIsRecognized) {
  const Folder folder;
  write_tone(folder.path / "tone.wav", 440, 1, 0);
  write_midi(folder.path / "hymn.mid", hymn(8));
  RecognizeOptions options;
  options.commercial = true;
  Recognizer recognizer(options);
  EXPECT_NO_THROW(recognizer.load_for(folder.path / "hymn.mid"));
  EXPECT_NO_THROW(recognizer.load_for(folder.path / "none.wav"));
  failure([&] { recognizer.load_for(folder.path / "tone.wav"); }, Category::refused);
  const auto message = failure([&] { recognizer.recognize(folder.path / "none.wav"); }, Category::io);
  EXPECT_NE(message.find("none.wav: cannot be read"), std::string::npos) << message;
}

TEST(Recognize, RefusesAModelOfAnotherTask) {
  RecognizeOptions options;
  options.score_model = "style-audio";
  const auto bytes = write_midi(hymn(4));
  failure([&] { Recognizer(options).recognize(std::span<const std::uint8_t>(bytes)); }, Category::unsupported);
}

TEST(StyleScore, TellsHeldOutChoralesFromFolkTunes) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (data == nullptr) GTEST_SKIP() << "EUTERPE_DATA is not set: no held-out pieces to recognize";
  const StyleScoreModel model = StyleScoreModel::load();
  const Folder folder;  // two of the sets, so that the test stays quick
  fs::create_directory_symlink(fs::path(data) / "jsb", folder.path / "jsb");
  fs::create_directory_symlink(fs::path(data) / "nottingham", folder.path / "nottingham");
  const StylePassages set = read_style_passages(folder.path, "test");
  ASSERT_EQ(set.labels, (std::vector<std::string>{"chorale", "folk"}));
  double right = 0;
  for (const StylePassage& passage : set.passages) {
    const auto p = model.probabilities(passage.notes);
    const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    right += model.labels()[best] == set.labels[static_cast<std::size_t>(passage.label)];
  }
  EXPECT_GT(set.passages.size(), 200u);
  EXPECT_GT(right / static_cast<double>(set.passages.size()), 0.95);
}

TEST(StyleWindows, CoverALongPieceOnceAndLeaveOutAShortRest) {
  std::vector<GridNote> notes;
  for (int i = 0; i < 256 * 2 + 100; ++i) notes.push_back({32 + i, 1, 60});
  const auto windows = style_windows(notes);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].size(), 256u);
  EXPECT_EQ(windows[1].front().onset, 0);
}

TEST(StyleWindows, KeepAPieceThatIsShorterThanAWindow) {
  EXPECT_EQ(style_windows(std::vector<GridNote>{{0, 1, 60}, {4, 1, 62}, {8, 1, 64}, {12, 1, 65}}).size(), 1u);
  EXPECT_TRUE(style_windows({}).empty());
}

}  // namespace
}  // namespace euterpe
