#include "score/roll_patch.hpp"

#include <gtest/gtest.h>

namespace euterpe {
namespace {

constexpr int kLowest = 48;

std::uint8_t cell(const RollPatch& patch, int pitch, int column) {
  return patch[static_cast<std::size_t>((kLowest + kPatchSide - 1 - pitch) * kPatchSide + column)];
}

BarGrid two_bars() {
  BarGrid grid;
  grid.bars = {{0, {{0, kGridMelody, 72, 4}, {0, kGridAccompaniment, 48, 16}, {4, kGridMelody, 72, 14}}},
               {0, {{0, kGridAccompaniment, 55, 16}, {2, kGridMelody, 74, 2}}}};
  return grid;
}

TEST(RollPatch, ShowsABarAndThreeQuartersOfTheNext) {
  const std::vector<RollPatch> patches = roll_patches(two_bars(), kLowest);
  ASSERT_EQ(patches.size(), 1U);  // the last bar has no next
  const RollPatch& p = patches.front();
  ASSERT_EQ(p.size(), 28U * 28U);
  EXPECT_EQ(cell(p, 72, 0), 255);
  EXPECT_EQ(cell(p, 72, 3), kPatchHeld);
  EXPECT_EQ(cell(p, 72, 4), 255);  // struck again
  EXPECT_EQ(cell(p, 72, 17), kPatchHeld);
  EXPECT_EQ(cell(p, 72, 18), 0);
  EXPECT_EQ(cell(p, 48, 15), kPatchHeld);
  EXPECT_EQ(cell(p, 74, 18), 255);
  EXPECT_EQ(cell(p, 55, 27), kPatchHeld);
  EXPECT_EQ(cell(p, 60, 5), 0);
}

TEST(RollPatch, WhatIsTooHighOrTooLowIsMovedByOctaves) {
  BarGrid grid;
  grid.bars = {{0, {{0, kGridMelody, 84, 2}, {0, kGridAccompaniment, 30, 2}}}, {0, {}}};
  const RollPatch p = roll_patches(grid, kLowest).front();
  EXPECT_EQ(cell(p, 72, 0), 255);
  EXPECT_EQ(cell(p, 54, 0), 255);
}

TEST(RollPatch, OnlyBarsOfCommonTimeWithANoteAndANextOneAreShown) {
  BarGrid grid = two_bars();
  grid.bars.insert(grid.bars.begin(), {1, {{0, kGridMelody, 60, 20}}});  // 3/4, held into the next bar
  grid.bars.push_back({0, {}});
  const std::vector<RollPatch> patches = roll_patches(grid, kLowest);
  ASSERT_EQ(patches.size(), 2U);
  EXPECT_EQ(cell(patches.front(), 60, 7), kPatchHeld);
  EXPECT_EQ(cell(patches.front(), 60, 8), 0);
  grid.bars.push_back({0, {}});  // a bar of silence shows nothing worth learning
  EXPECT_EQ(roll_patches(grid, kLowest).size(), 2U);
}

TEST(RollPatch, InARowBecomeTheNotesAgain) {
  BarGrid grid = two_bars();
  grid.bars.push_back({0, {}});
  const BarGrid again = patches_grid(roll_patches(grid, kLowest), kLowest);
  ASSERT_EQ(again.bars.size(), 2U);
  EXPECT_EQ(again.bars[0], grid.bars[0]);  // the melody is what stands highest
  EXPECT_EQ(again.bars[1], grid.bars[1]);
}

TEST(RollPatch, ASingleGrayPointIsABlurAndTwoAreANote) {
  RollPatch p(28 * 28, 0);
  p[5] = kPatchHeld;
  p[28 + 5] = p[28 + 6] = kPatchHeld;
  p[56 + 9] = 60;  // too dark
  const BarGrid grid = patches_grid(std::vector<RollPatch>{p}, kLowest);
  EXPECT_EQ(grid.bars.front().notes, (std::vector<BarNote>{{5, kGridMelody, kLowest + 26, 2}}));
}

TEST(RollPatch, WhiteStrikesASoundingNoteAgainOnEighthsAlone) {
  RollPatch p(28 * 28, 0);
  p[3] = p[4] = p[5] = 255;
  const BarGrid grid = patches_grid(std::vector<RollPatch>{p}, kLowest);
  EXPECT_EQ(grid.bars.front().notes,
            (std::vector<BarNote>{{3, kGridMelody, kLowest + 27, 1}, {4, kGridMelody, kLowest + 27, 2}}));
}

TEST(RollPatch, TheSeamCountsWhatBothShow) {
  RollPatch before(28 * 28, 0), next(28 * 28, 0);
  before[16] = 255;
  EXPECT_DOUBLE_EQ(patch_seam(before, next), 255.0 / (12 * 28));
  next[0] = 255;
  EXPECT_DOUBLE_EQ(patch_seam(before, next), 0);
  before[0] = next[20] = 255;  // shown by one alone
  EXPECT_DOUBLE_EQ(patch_seam(before, next), 0);
}

}  // namespace
}  // namespace euterpe
