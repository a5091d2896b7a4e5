#include "recognize/explain.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "recognize/music.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using test::hymn;

RecognizeOptions style_alone() {
  RecognizeOptions options;
  options.tasks = {"style"};
  return options;
}

/// A tune in one voice with more notes than are looked at, then a hymn, which is the most of it.
Score tune_and_hymn(int tune_bars, int hymn_bars) {
  Score score = hymn(hymn_bars);
  for (Track& track : score.tracks)
    for (Note& note : track.notes) note.start += tune_bars * 1920;
  static constexpr int kTune[] = {74, 76, 78, 74, 79, 78, 76, 74, 73, 76, 74, 71, 69, 71, 73, 74};
  for (int i = 0; i < tune_bars * 16; ++i)
    score.tracks.front().notes.push_back({i * 120L, 120, static_cast<std::uint8_t>(kTune[i % 16]), 80, 0});
  score.sort();
  return score;
}

TEST(Explain, TheLabelOfTheWholeFileInThePartWhereItIsSurest) {
  const Folder folder;
  constexpr int kTuneBars = 40;
  write_midi(folder / "mixed.mid", tune_and_hymn(kTuneBars, 160));
  Recognizer recognizer(style_alone());
  const Recognition found = recognizer.recognize(folder / "mixed.mid");
  ASSERT_EQ(found.find("style")->values.front().first, "chorale");
  const Explanation why = explain(recognizer, found, folder / "mixed.mid", folder / "why.png", "mixed.mid");
  EXPECT_EQ(why.numbers["task"], "style");
  EXPECT_EQ(why.numbers["answer"], "chorale");
  EXPECT_EQ(why.numbers["file"]["answer"], best_label(*found.find("style")));
  EXPECT_EQ(why.numbers["file"]["probability"], found.find("style")->values.front().second);
  EXPECT_GT(why.numbers["probability"], 0.5);
  EXPECT_LE(why.numbers["notes_looked_at"], kExplainedNotes);
  // By the whole file's bars and seconds: the tune takes two seconds a bar.
  EXPECT_GE(why.numbers["excerpt"]["begin"], 2.0 * kTuneBars - 1e-9);
  for (const auto& bar : why.numbers["bars"]) {
    EXPECT_GT(bar["bar"], kTuneBars);
    EXPECT_NEAR(bar["begin"].get<double>(), 2.0 * (bar["bar"].get<int>() - 1), 1e-6);
  }
  for (const auto& note : why.numbers["notes"]) EXPECT_GE(note["begin"], 2.0 * kTuneBars - 1e-9);
  EXPECT_NE(why.about.find("style chorale"), std::string::npos) << why.about;
  EXPECT_GT(fs::file_size(folder / "why.png"), 5'000u);
}

TEST(Explain, ALabelThatIsNotTheMostProbableOfThePart) {
  const Folder folder;
  write_midi(folder / "hymn.mid", hymn(12));
  Recognizer recognizer(style_alone());
  Recognition found = recognizer.recognize(folder / "hymn.mid");
  // The same file, answered by another label: that is what is explained.
  for (auto& [label, value] : found.answers.front().values) value = label == "folk" ? 0.9 : 0.1 / 3;
  put_in_order(found.answers.front());
  found.answers.front().unknown = 0.8;
  const Explanation why = explain(recognizer, found, folder / "hymn.mid", folder / "why.png", "hymn.mid");
  EXPECT_EQ(why.numbers["answer"], "folk");
  EXPECT_EQ(why.numbers["runner_up"], "chorale");
  EXPECT_LT(why.numbers["probability"], 0.5);
  EXPECT_EQ(why.numbers["file"]["answer"], "unknown");
  EXPECT_NE(why.about.find("unknown 0.80, nearest folk 0.90"), std::string::npos) << why.about;
}

TEST(Explain, ARecordingByTheSecondsOfTheFile) {
  const Folder folder;
  // Silence but for the last third, which alone can be heard.
  AudioBuffer audio{22050, 1, std::vector<float>(22050 * 18, 0.0F)};
  Random random(3);
  for (std::size_t i = 22050 * 12; i < audio.samples.size(); ++i)
    audio.samples[i] = static_cast<float>(0.3 * std::sin(0.05 * static_cast<double>(i)) + 0.05 * random.normal());
  encode(folder / "late.wav", audio);
  Recognizer recognizer(style_alone());
  const Recognition found = recognizer.recognize(folder / "late.wav");
  const Explanation why = explain(recognizer, found, folder / "late.wav", folder / "why.svg", "late.wav");
  EXPECT_EQ(why.numbers["answer"], found.find("style")->values.front().first);
  const double begin = why.numbers["excerpt"]["begin"], end = why.numbers["excerpt"]["end"];
  EXPECT_NEAR(begin, 12, 0.1);
  EXPECT_NEAR(end, 18, 0.1);
  for (const auto& cell : why.numbers["cells"]) {
    EXPECT_GE(cell["begin"], begin - 1e-9);
    EXPECT_LE(cell["end"], end + 1e-9);
  }
}

TEST(Explain, APathThatNoPictureCanBeDrawnToIsRefused) {
  const Folder folder;
  for (const char* name : {"why.gif", "why", "song.mid"})
    EXPECT_THROW(expect_picture(folder / name, folder / "song.mid"), Error) << name;
  fs::create_directory(folder / "folder.png");
  EXPECT_THROW(expect_picture(folder / "folder.png", folder / "song.mid"), Error);
  std::ofstream(folder / "a.png") << "a file to recognize";
  EXPECT_THROW(expect_picture(folder / "a.png", folder / "a.png"), Error);
  EXPECT_NO_THROW(expect_picture(folder / "new.SVG", folder / "song.mid"));
}

}  // namespace
}  // namespace euterpe
