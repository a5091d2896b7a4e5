#include "score/skyline.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace euterpe {
namespace {

BarGrid two_bars() {
  BarGrid grid;
  grid.bars.resize(2);
  // 3/4: C5 for a half note above a held E4; then G5 struck late and held over the bar line.
  grid.bars[0] = {*grid_meter("3/4"),
                  {{0, kGridMelody, 72, 8}, {0, kGridAccompaniment, 64, 12}, {10, kGridMelody, 79, 4}}};
  grid.bars[1] = {*grid_meter("2/4"), {{4, kGridAccompaniment, 50, 2}}};
  return grid;
}

TEST(Skyline, TakesTheHighestSoundingPitchOfBothPartsAndHoldsItOverTheBarLine) {
  const std::vector<int> line = skyline(two_bars());
  const std::vector<int> expected{72, 72, 72, 72, 72, 72, 72, 72, 64, 64, 79, 79,  //
                                  79, 79, -1, -1, 50, 50, -1, -1};
  EXPECT_EQ(line, expected);
}

TEST(Skyline, HalfBarsCountSixteenthsOfEachPitchClass) {
  const std::vector<Chroma> chroma = half_bar_chroma(two_bars());
  ASSERT_EQ(chroma.size(), 4u);
  EXPECT_EQ(chroma[0][0], 6);
  EXPECT_EQ(chroma[1][0], 2);
  EXPECT_EQ(chroma[1][4], 2);
  EXPECT_EQ(chroma[1][7], 2);
  EXPECT_EQ(chroma[2][7], 2);
  EXPECT_EQ(chroma[3][2], 2);
  float all = 0;
  for (const Chroma& half : chroma)
    for (const float v : half) all += v;
  EXPECT_EQ(all, 16) << "of 20 sixteenths four are silent";
}

TEST(Skyline, OfNotesStopsAtTheEndThatIsAskedFor) {
  const std::vector<GridNote> notes{{-2, 3, 70}, {2, 9, 60}};
  EXPECT_EQ(skyline(notes, 4), (std::vector<int>{70, -1, 60, 60}));
  EXPECT_TRUE(skyline(notes, 0).empty());
}

TEST(Skyline, ChromaOfALineShorterThanItsBarsIsSilentAtTheEnd) {
  const std::vector<int> line{61, 61, 61}, bars{4, 4};
  const std::vector<Chroma> chroma = half_bar_chroma(line, bars);
  ASSERT_EQ(chroma.size(), 4u);
  EXPECT_EQ(chroma[0][1], 2);
  EXPECT_EQ(chroma[1][1], 1);
  EXPECT_EQ(chroma[2], Chroma{});
  EXPECT_EQ(chroma[3], Chroma{});
}

TEST(Skyline, SimilarityIsTheMeanCosineWhereTheSourceSounds) {
  const auto of = [](std::vector<std::pair<int, float>> sounds) {
    Chroma out{};
    for (const auto& [c, v] : sounds) out[static_cast<std::size_t>(c)] = v;
    return out;
  };
  const std::vector<Chroma> source{of({{0, 4}, {4, 4}}), of({}), of({{7, 8}}), of({{2, 8}})};
  EXPECT_DOUBLE_EQ(melody_similarity(source, source), 1);
  // Half of the first is kept, the second does not count, the third is another pitch, the fourth is missing.
  const std::vector<Chroma> output{of({{0, 1}}), of({{0, 8}}), of({{8, 8}})};
  EXPECT_NEAR(melody_similarity(source, output), std::sqrt(0.5) / 3, 1e-6);
  EXPECT_DOUBLE_EQ(melody_similarity(std::vector<Chroma>{of({})}, source), 1);
}

TEST(Skyline, GridNotesMergePartsAndKeepTheLongestOfDoubles) {
  BarGrid grid = two_bars();
  grid.bars[1].notes = {{0, kGridMelody, 60, 2}, {0, kGridAccompaniment, 60, 5}};
  const std::vector<GridNote> notes = grid_notes(grid);
  ASSERT_EQ(notes.size(), 4u);
  EXPECT_EQ(notes.back(), (GridNote{12, 5, 60}));
}

}  // namespace
}  // namespace euterpe
