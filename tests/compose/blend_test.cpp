#include "compose/blend.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "compose/compose.hpp"
#include "train/tiny_vae.hpp"

namespace euterpe {
namespace {

BarGrid in_meters(const std::vector<const char*>& names) {
  BarGrid grid;
  for (const char* name : names) grid.bars.push_back({*grid_meter(name), {}});
  return grid;
}

TEST(Blend, NeedsTheSameMetersAsFarAsBothPiecesGo) {
  EXPECT_NO_THROW(require_same_meters(in_meters({"4/4", "4/4"}), in_meters({"4/4", "2/2", "3/4"})));
  EXPECT_NO_THROW(require_same_meters(in_meters({}), in_meters({"3/4"})));
  try {
    require_same_meters(in_meters({"3/4", "3/4"}), in_meters({"3/4", "6/8"}));
    FAIL() << "bars of as many sixteenths are not of one meter";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(e.detail().find("bar 2 is in 3/4 in the first and in 6/8 in the second"), std::string::npos)
        << e.detail();
  }
}

/// Cadences in the major key that lies so many semitones below C.
Score cadences(int moved, int seed) {
  BarGrid grid;
  grid.moved = moved;
  const std::vector<std::vector<int>> chords{{48, 52, 55}, {53, 57, 60}, {55, 59, 62}, {48, 52, 55}};
  for (int b = 0; b < 8; ++b) {
    GridBar bar;
    for (const int pitch : chords[static_cast<std::size_t>(b % 4)])
      bar.notes.push_back({0, kGridAccompaniment, pitch, 16});
    for (int i = 0; i < 4; ++i)
      bar.notes.push_back({4 * i, kGridMelody, chords[static_cast<std::size_t>(b % 4)][(i + seed) % 3] + 24, 4});
    sort_grid_bar(bar);
    grid.bars.push_back(bar);
  }
  return grid_score(grid);
}

/// In keys that lie far apart the end of the way is the second piece at its own height, not an octave away.
TEST(Blend, EndsInTheSecondPieceWhicheverWayItIsGone) {
  const TemporaryFolder folder("blend");
  test::save_tiny_vae(folder / "tiny", {"folk"});
  const Composer composer(find_model((folder / "tiny").string()));
  const Score a = cadences(5, 0), b = cadences(-6, 1);
  ASSERT_EQ(bar_grid(a).moved, 5);
  ASSERT_EQ(bar_grid(b).moved, -6);
  ComposeOptions there;
  there.blend_from = &a;
  there.blend_to = &b;
  ComposeOptions back;
  back.blend_from = &b;
  back.blend_to = &a;
  for (const double share : {0.0, 1.0}) {
    there.share = share;
    back.share = 1 - share;
    const Score one = composer.compose(there).score, other = composer.compose(back).score;
    EXPECT_GT(one.note_count(), 0u);
    EXPECT_EQ(one.merged_notes(), other.merged_notes()) << share;
  }
}

}  // namespace
}  // namespace euterpe
