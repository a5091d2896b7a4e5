#include "score/voice_grid.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "score/frames.hpp"
#include "score/voice_leading.hpp"

namespace euterpe {
namespace {

/// Four voices apart from each other, none of which ends in a rest or has none but rests.
VoiceGrid any_grid() {
  static constexpr std::array<std::array<int, 2>, 4> kRanges{{{70, 80}, {60, 68}, {50, 58}, {36, 48}}};
  VoiceGrid grid;
  const int length = *rc::gen::inRange(1, 40);
  for (int t = 0; t < length; ++t) {
    VoicePitches& step = grid.steps.emplace_back();
    for (std::size_t v = 0; v < 4; ++v) {
      const int pitch = *rc::gen::inRange(kRanges[v][0] - 2, kRanges[v][1]);
      step[v] = pitch < kRanges[v][0] && t + 1 < length ? kGridRest
                                                        : static_cast<std::int8_t>(std::max(pitch, kRanges[v][0]));
    }
  }
  return grid;
}

RC_GTEST_PROP(VoiceGrid, AScoreGivesTheSameGridBack, ()) {
  const VoiceGrid grid = any_grid();
  RC_ASSERT(voice_grid(voice_score(grid)) == grid);
}

RC_GTEST_PROP(VoiceGrid, ARowGivesTheSameGridBack, ()) {
  const VoiceGrid grid = any_grid();
  RC_ASSERT(voice_grid_of_row(voice_row(grid)) == grid);
}

TEST(VoiceGrid, NotesGoToTheNearestSixteenth) {
  VoiceGrid grid;
  grid.steps.assign(8, {72, 67, 60, 48});
  Score score = voice_score(grid);
  for (Track& track : score.tracks)
    for (Note& n : track.notes) n.start += 40, n.duration -= 70;  // a sixteenth has 120 ticks
  EXPECT_EQ(voice_grid(score), grid);
}

std::string refusal(const std::string& text, bool frames) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "Jsb16thSeparated.json";
  write_file(file, text);
  try {
    if (frames)
      read_frames(file);
    else
      read_voice_grids(folder.path());
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::bad_input);
    return e.detail();
  }
  return {};
}

TEST(VoiceGrid, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(refusal(R"({"train": [[[72, 67, 60, -1]]]})", false), "");
  EXPECT_NE(refusal(R"({"train": [[[72, 67, 60, 48], [72, 67, 60]]]})", false).find("piece 0, sixteenth 1"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"train": [[[72, 67, 60, 900]]]})", false).find("pitch 900"), std::string::npos);
  EXPECT_NE(refusal(R"({"train": [[[72, 67, "c", 48]]]})", false).find("numbers"), std::string::npos);
  EXPECT_NE(refusal(R"({"train": [[]]})", false).find("piece 0"), std::string::npos);
  EXPECT_NE(refusal(R"([1])", false), "");
  EXPECT_NE(refusal(R"({"train": [)", false), "");
}

TEST(VoiceGrid, RefusesOtherThanFourVoices) {
  VoiceGrid grid;
  grid.steps.assign(4, {72, 67, 60, kGridRest});
  EXPECT_THROW(voice_grid(voice_score(grid)), Error);
  grid.steps.assign(64, {72, 67, 60, 48});
  EXPECT_THROW(voice_grid(voice_score(grid), 63), Error);
}

TEST(Frames, AreReadAsRisingSets) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a.json", R"({"test": [[[60, 48, 60.0, 55], [], [72]]]})");
  const auto splits = read_frames(folder.path() / "a.json");
  const FramePiece& piece = splits.at("test").at(0);
  EXPECT_EQ(piece.frames, (std::vector<PitchFrame>{{48, 55, 60}, {}, {72}}));
  EXPECT_EQ(frame_row(piece), (std::vector<std::uint8_t>{48, 55, 60, 0, 0, 72, 0}));
  EXPECT_EQ(frame_piece_of_row(frame_row(piece)).frames, piece.frames);
}

TEST(Frames, SayWhatIsWrongAndWhere) {
  EXPECT_NE(refusal(R"({"train": [[[60], [200]]]})", true).find("piece 0, frame 1"), std::string::npos);
  EXPECT_NE(refusal(R"({"train": [[[60.5]]]})", true), "");
  EXPECT_NE(refusal(R"({"train": [[60]]})", true), "");
  EXPECT_NE(refusal(R"({"train": {"a": 1}})", true), "");
}

TEST(VoiceLeading, FindsParallelsOfFifthsAndOctaves) {
  EXPECT_TRUE(is_parallel(67, 60, 69, 62));   // fifth to fifth
  EXPECT_TRUE(is_parallel(72, 48, 74, 50));   // two octaves
  EXPECT_FALSE(is_parallel(67, 60, 67, 60));  // both stay
  EXPECT_FALSE(is_parallel(67, 60, 69, 60));  // one stays
  EXPECT_FALSE(is_parallel(64, 60, 66, 62));  // thirds
  VoiceGrid grid;
  grid.steps = {{72, 67, 60, 48}, {74, 67, 62, 50}};
  const VoiceLeading v = voice_leading(grid);
  EXPECT_EQ(v.motions, 3u);
  EXPECT_EQ(v.parallels, 3u);  // soprano, tenor and bass an octave apart
  EXPECT_EQ(v.notes, 7u);
  EXPECT_EQ(v.in_range, 7u);
}

}  // namespace
}  // namespace euterpe
