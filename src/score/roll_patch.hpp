#pragma once
/// Small pictures of music: 28 sixteenths across, 28 pitches down, the size of MNIST's digits. A patch begins at a bar
/// line of 4/4 and shows that bar and three quarters of the next.
#include <cstdint>
#include <span>
#include <vector>

#include "score/bar_grid.hpp"

namespace euterpe {

inline constexpr int kPatchSide = 28;
inline constexpr int kPatchBar = 16;             ///< sixteenths of a patch until its bar ends
inline constexpr std::uint8_t kPatchHeld = 170;  ///< gray where a note sounds on; 255 where one begins, 0 in silence

/// Row-major [kPatchSide × kPatchSide], the highest pitch first.
using RollPatch = std::vector<std::uint8_t>;

/// Of every bar with a note that stands, like the next one, in 4/4. Both parts go into one picture.
/// \param lowest MIDI pitch of the bottom row; notes beyond the rows are moved into them by octaves
std::vector<RollPatch> roll_patches(const BarGrid& grid, int lowest);

/// How badly `next` goes on from where `before` ends: mean difference, 0 … 255, of the twelve sixteenths that both
/// show.
double patch_seam(const RollPatch& before, const RollPatch& next);

/// The first bars of the patches in a row, in C major or A minor. A note begins where a row turns from dark to white,
/// or to gray that lasts at least two sixteenths: a single gray point is a blur. While it sounds it is struck again by
/// white on an eighth: between two eighths that is the same note, drawn too bright. What stands highest is the melody.
BarGrid patches_grid(std::span<const RollPatch> patches, int lowest);

}  // namespace euterpe
