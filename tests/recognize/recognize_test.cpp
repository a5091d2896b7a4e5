#include "recognize/recognize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "recognize/music.hpp"
#include "recognize/training.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using test::beat;
using test::Folder;
using test::hymn;
using test::write_tone;

std::string failure(const std::function<void()>& action, Category category) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), category) << error.what();
    return std::string(error.what()) + " " + error.hint();
  }
  ADD_FAILURE() << "no error";
  return {};
}

RecognizeOptions style_alone() {
  RecognizeOptions options;
  options.tasks = {"style"};
  return options;
}

void expect_sound(const Answer& answer) {
  double sum = 0;
  for (std::size_t i = 0; i < answer.values.size(); ++i) {
    sum += answer.values[i].second;
    EXPECT_TRUE(std::isfinite(answer.values[i].second));
    if (i > 0 && answer.task != kValenceArousal) {
      EXPECT_GE(answer.values[i - 1].second, answer.values[i].second) << answer.task;
    }
  }
  if (answer.kind == Answer::Kind::probabilities) {
    EXPECT_NEAR(sum, 1, 1e-6) << answer.task;
  }
  EXPECT_GE(answer.unknown, 0);
  EXPECT_LE(answer.unknown, 1);
  EXPECT_EQ(answer.model_hash.size(), 64u);
}

TEST(Recognize, NamesAFourPartHymnAChoraleInAnyFileOfMidi) {
  const Folder folder;
  write_midi(folder / "hymn.bin", hymn(16));  // told by content, not by name
  const Recognition found = Recognizer().recognize(folder / "hymn.bin");
  EXPECT_EQ(found.kind, "score");
  ASSERT_NE(found.find("style"), nullptr);
  EXPECT_EQ(found.find("style")->values.front().first, "chorale");
  EXPECT_GT(found.find("style")->values.front().second, 0.7);
  EXPECT_TRUE(found.find("style")->commercial);
  for (const Answer& answer : found.answers) expect_sound(answer);
  EXPECT_FALSE(found.embedding.empty());
}

TEST(Recognize, GivesBytesFromAPipeTheAnswerOfTheFile) {
  const Folder folder;
  write_midi(folder / "hymn.mid", hymn(8));
  Recognizer recognizer;
  const auto bytes = read_file(folder / "hymn.mid");
  const Recognition piped = recognizer.recognize(std::span<const std::uint8_t>(bytes));
  const Recognition read = recognizer.recognize(folder / "hymn.mid");
  EXPECT_EQ(piped.answers, read.answers);
  EXPECT_EQ(piped.curve, read.curve);
}

TEST(Recognize, StyleDoesNotDependOnProgramVelocityTempoOrDrums) {
  const Folder folder;
  Score plain = hymn(8), dressed = hymn(8);
  dressed.tempos = {{0, 250000}};
  for (Track& track : dressed.tracks) {
    for (Note& note : track.notes) note.velocity = 120;
    track.events = {{0, 0xC0, track.notes[0].channel, 30, 0}};
    track.program = 30;
  }
  dressed.tracks.push_back(beat(8).tracks.front());
  dressed.sort();
  write_midi(folder / "plain.mid", plain);
  write_midi(folder / "dressed.mid", dressed);
  Recognizer recognizer(style_alone());
  const Recognition a = recognizer.recognize(folder / "plain.mid"), b = recognizer.recognize(folder / "dressed.mid");
  EXPECT_EQ(a.answers, b.answers);
  EXPECT_EQ(a.answers.size(), 1u);  // what was wanted, and nothing else
}

TEST(Recognize, TheCurveOfAScoreHasSegmentsOfSixteenBars) {
  const auto bytes = write_midi(hymn(54));
  const Recognition found = Recognizer(style_alone()).recognize(std::span<const std::uint8_t>(bytes));
  ASSERT_EQ(found.curve.size(), 3u);  // 16, 16 and the rest, too short to be two
  EXPECT_EQ(found.curve.front().begin, 0);
  EXPECT_NEAR(found.curve.front().end, 32, 1e-9);  // 64 beats at 120
  for (std::size_t i = 0; i + 1 < found.curve.size(); ++i) EXPECT_EQ(found.curve[i].end, found.curve[i + 1].begin);
  EXPECT_GE(found.curve.back().end, found.duration - 1e-9);
  for (const Segment& segment : found.curve)
    for (const Answer& answer : segment.answers) expect_sound(answer);
}

TEST(Recognize, AVeryLongScoreHasAtMost64Segments) {
  const auto bytes = write_midi(hymn(2500));
  EXPECT_LE(Recognizer(style_alone()).recognize(std::span<const std::uint8_t>(bytes)).curve.size(), 64u);
}

TEST(Recognize, SaysWhyAScoreHasNoAnswer) {
  const Folder folder;
  Score one_note, two_drums, empty;
  add_track(one_note, "piano", 0, 0).notes = {{0, 480, 60}};
  add_track(two_drums, "drums", 0, 9).notes = {{0, 480, 36, 80, 9}, {480, 480, 38, 80, 9}};
  add_track(empty, "piano", 0, 0);
  Recognizer recognizer, style(style_alone());
  const auto message = [&](const Score& score, Recognizer& asked) {
    write_midi(folder / "case.mid", score);
    return failure([&] { asked.recognize(folder / "case.mid"); }, Category::bad_input);
  };
  EXPECT_NE(message(one_note, recognizer).find("1 pitched note: too few"), std::string::npos);
  EXPECT_NE(message(two_drums, style).find("drums alone"), std::string::npos);
  EXPECT_NE(message(two_drums, recognizer).find("drum"), std::string::npos);
  EXPECT_NE(message(empty, recognizer).find("no notes"), std::string::npos);
  EXPECT_NE(message(empty, recognizer).find("case.mid"), std::string::npos);
}

TEST(Recognize, AnswersForNotesFarApart) {
  Score sparse = hymn(1);
  for (Track& track : sparse.tracks)
    for (std::size_t i = 0; i < track.notes.size(); ++i) track.notes[i].start *= 100;
  const auto bytes = write_midi(sparse);
  EXPECT_FALSE(Recognizer().recognize(std::span<const std::uint8_t>(bytes)).answers.empty());
}

TEST(Recognize, SaysWhyAudioHasNoAnswer) {
  const Folder folder;
  write_tone(folder / "brief.wav", 440, 0.2);
  encode(folder / "silence.wav", {22050, 1, std::vector<float>(44100, 0.0f)});
  std::ofstream(folder / "text.mp3") << "this is no music";
  std::ofstream(folder / "empty.mp3") << "";
  Recognizer recognizer;
  const auto message = [&](const char* name) {
    return failure([&] { recognizer.recognize(folder / name); }, Category::bad_input);
  };
  EXPECT_NE(message("brief.wav").find("brief.wav: shorter than a quarter of a second"), std::string::npos);
  EXPECT_NE(message("silence.wav").find("silence"), std::string::npos);
  EXPECT_NE(message("text.mp3").find("text.mp3"), std::string::npos);
  EXPECT_NE(message("empty.mp3").find("empty"), std::string::npos);
}

TEST(Recognize, AnswersForAToneAndForNoise) {
  const Folder folder;
  write_tone(folder / "tone.wav", 440, 2);
  write_tone(folder / "noise.wav", 440, 2, 0.3);
  Recognizer recognizer;
  for (const char* name : {"tone.wav", "noise.wav"}) {
    const Recognition found = recognizer.recognize(folder / name);
    EXPECT_EQ(found.kind, "audio");
    EXPECT_NEAR(found.duration, 2, 0.01);
    ASSERT_NE(found.find("style"), nullptr);
    EXPECT_FALSE(found.find("style")->commercial);
    for (const Answer& answer : found.answers) expect_sound(answer);
    EXPECT_EQ(found.curve.size(), 1u);
  }
}

TEST(Recognize, TheCurveOfARecordingHasTheThirdsOfItsExcerpts) {
  const Folder folder;
  write_tone(folder / "long.wav", 440, 64, 0.05);  // two excerpts of 30 s
  const Recognition found = Recognizer(style_alone()).recognize(folder / "long.wav");
  ASSERT_EQ(found.curve.size(), 6u);
  EXPECT_NEAR(found.curve.front().begin, 1, 0.01);
  EXPECT_NEAR(found.curve.back().end, 63, 0.01);
  for (std::size_t i = 0; i < found.curve.size(); ++i) {
    EXPECT_NEAR(found.curve[i].end - found.curve[i].begin, 10, 0.01);
    if (i > 0) {
      EXPECT_GE(found.curve[i].begin, found.curve[i - 1].end - 1e-6);
    }
    for (const Answer& answer : found.curve[i].answers) expect_sound(answer);
  }
}

TEST(Recognize, AFileThatBreaksOffIsAsLongAsWhatCanBeDecodedOfIt) {
  const Folder folder;
  write_tone(folder / "whole.mp3", 440, 130, 0.05);
  const auto bytes = read_file(folder / "whole.mp3");
  write_file(folder / "cut.mp3", std::span(bytes).first(bytes.size() * 2 / 5));
  const Recognition whole = Recognizer(style_alone()).recognize(folder / "whole.mp3");
  EXPECT_NEAR(whole.duration, 130, 0.2);
  EXPECT_TRUE(whole.warnings.empty());
  const Recognition cut = Recognizer(style_alone()).recognize(folder / "cut.mp3");
  EXPECT_NEAR(cut.duration, 52, 2);
  EXPECT_EQ(cut.curve.size(), 3u) << "one excerpt, in the middle of what there is";
  EXPECT_LE(cut.curve.back().end, cut.duration);
  ASSERT_EQ(cut.warnings.size(), 1u);
  EXPECT_NE(cut.warnings.front().find("breaks off"), std::string::npos) << cut.warnings.front();
}

TEST(Recognize, ValenceStandsBeforeArousalEverywhere) {
  RecognizeOptions options;
  options.tasks = {kValenceArousal};
  Recognizer recognizer(options);
  const auto bytes = write_midi(hymn(40));
  const Recognition found = recognizer.recognize(std::span<const std::uint8_t>(bytes));
  ASSERT_NE(found.find(kValenceArousal), nullptr);
  EXPECT_EQ(found.find(kValenceArousal)->values.front().first, "valence");
  ASSERT_FALSE(found.curve.empty());
  for (const Segment& segment : found.curve) EXPECT_EQ(segment.answers.front().values.front().first, "valence");
}

TEST(Recognize, WhatIsNotToldOfAKindIsSaid) {
  RecognizeOptions options;
  options.tasks = {"composer"};
  Recognizer recognizer(options);
  EXPECT_NO_THROW(recognizer.load(true));
  const auto message = failure([&] { recognizer.load(false); }, Category::not_found);
  EXPECT_NE(message.find("composer is not told of recordings"), std::string::npos) << message;
}

TEST(Recognize, AModelThatWouldNotBeAskedIsNotTakenInSilence) {
  const Folder folder;
  fs::copy(models_folder() / "style-score", folder / "mine", fs::copy_options::recursive);
  RecognizeOptions options;
  options.models = {(folder / "mine").string()};
  {
    Recognizer recognizer(options);
    recognizer.load(false);
    EXPECT_EQ(recognizer.idle_models(), options.models);  // for no score has come
    recognizer.load(true);
    EXPECT_TRUE(recognizer.idle_models().empty());
  }
  options.tasks = {"composer"};
  EXPECT_NE(failure([&] { Recognizer{options}; }, Category::usage).find("style"), std::string::npos);
}

TEST(RecognizableFiles, AreTakenByNameOrContentAndTheOthersAreCounted) {
  const Folder folder;
  write_midi(folder / "hymn", hymn(2));
  write_midi(folder / "hymn.mid", hymn(2));
  write_tone(folder / "tone.wav", 440, 0.5);
  fs::copy_file(folder / "tone.wav", folder / "tone.bak");
  write_file(folder / "text.mp3", "a name promises, so that a broken file is spoken of");
  write_file(folder / "readme.txt", "no music");
  write_file(folder / "picture", "....ftypheic and what no decoder takes for audio");
  const RecognizableFiles found = recognizable_files(folder.path);
  std::vector<std::string> names;
  for (const fs::path& file : found.files) names.push_back(file.filename().string());
  EXPECT_EQ(names, (std::vector<std::string>{"hymn", "hymn.mid", "text.mp3", "tone.bak", "tone.wav"}));
  EXPECT_EQ(found.skipped, 2u);
}

TEST(Recognize, RefusesNonCommercialWeightsAndSaysHowToReplaceThem) {
  const Folder folder;
  write_tone(folder / "tone.wav", 440, 1);
  write_midi(folder / "hymn.mid", hymn(8));
  RecognizeOptions options = style_alone();
  options.commercial = true;
  Recognizer recognizer(options);
  EXPECT_NO_THROW(recognizer.recognize(folder / "hymn.mid"));
  const auto message = failure([&] { recognizer.recognize(folder / "tone.wav"); }, Category::refused);
  EXPECT_NE(message.find("emotify"), std::string::npos);
  EXPECT_NE(message.find("euterpe train style-audio"), std::string::npos);
}

TEST(Recognize, LoadsTheModelsThatAFileAsksForBeforeItIsRecognized) {
  const Folder folder;
  write_tone(folder / "tone.wav", 440, 1);
  write_midi(folder / "hymn.mid", hymn(8));
  RecognizeOptions options = style_alone();
  options.commercial = true;
  Recognizer recognizer(options);
  EXPECT_NO_THROW(recognizer.load_for(folder / "hymn.mid"));
  EXPECT_NO_THROW(recognizer.load_for(folder / "none.wav"));
  failure([&] { recognizer.load_for(folder / "tone.wav"); }, Category::refused);
  const auto message = failure([&] { recognizer.recognize(folder / "none.wav"); }, Category::io);
  EXPECT_NE(message.find("none.wav: cannot be read"), std::string::npos) << message;
}

TEST(Recognize, ANamedModelMustExistAndBeAskedByRecognize) {
  const auto with = [](std::vector<std::string> models) {
    RecognizeOptions options;
    options.models = std::move(models);
    return options;
  };
  failure([&] { Recognizer{with({"no-such-model"})}; }, Category::not_found);
  failure([&] { Recognizer{with({""})}; }, Category::usage);
  failure([&] { Recognizer{with({"composer"})}; }, Category::unsupported);  // it composes
  RecognizeOptions task, without;
  task.tasks = {"loudness"};
  without.without = {"no-such-model"};
  EXPECT_NE(failure([&] { Recognizer{task}; }, Category::usage).find("valence-arousal"), std::string::npos);
  failure([&] { Recognizer{without}; }, Category::usage);
}

TEST(Recognize, WhatIsNotInstalledIsLeftOutAndWhatIsLeftOutIsNotAsked) {
  const auto bytes = write_midi(hymn(8));
  RecognizeOptions options;
  for (const RecognizerModel& model : recognizer_models())
    if (model.score && std::string_view(model.name) != "style-score") options.without.push_back(model.name);
  const Recognition found = Recognizer(options).recognize(std::span<const std::uint8_t>(bytes));
  ASSERT_EQ(found.answers.size(), 1u);
  EXPECT_EQ(found.answers.front().task, "style");
  options.without.push_back("style-score");
  failure([&] { Recognizer(options).recognize(std::span<const std::uint8_t>(bytes)); }, Category::not_found);
}

TEST(ScorePart, KeepsTheTempoMeterAndKeyThatHoldAtItsBeginning) {
  Score score = hymn(8);
  score.tempos = {{0, 500000}, {1920, 400000}, {3840, 300000}};
  score.meters = {{0, 4, 4}};
  score.keys = {{100, 1, false}};
  const Score part = score_part(score, 2 * 1920 - 480, 4 * 1920);
  ASSERT_EQ(part.tempos.size(), 2u);
  EXPECT_EQ(part.tempos[0], (Tempo{0, 400000}));
  EXPECT_EQ(part.tempos[1], (Tempo{480, 300000}));
  EXPECT_EQ(part.meters.front().tick, 0);
  EXPECT_EQ(part.keys.front().fifths, 1);
  std::size_t notes = 0;
  for (const Track& track : score.tracks)
    for (const Note& note : track.notes) notes += note.start >= 2 * 1920 - 480 && note.start < 4 * 1920;
  EXPECT_EQ(part.note_count(), notes);
}

TEST(StyleScore, TellsHeldOutChoralesFromFolkTunes) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (data == nullptr) GTEST_SKIP() << "EUTERPE_DATA is not set: no held-out pieces to recognize";
  const StyleScoreModel model = StyleScoreModel::load();
  const Folder folder;  // two of the sets, so that the test stays quick
  fs::create_directory_symlink(fs::path(data) / "jsb", folder / "jsb");
  fs::create_directory_symlink(fs::path(data) / "nottingham", folder / "nottingham");
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
