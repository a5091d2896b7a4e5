#pragma once
/// A score as a matrix of time and pitch, for pictures and for models that see music as an image.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct PianoRoll {
  int steps_per_quarter = 4;
  int steps = 0;
  std::vector<std::uint8_t> velocity;  ///< row-major [steps × 128], 0 = silent, 1–127
  std::vector<std::uint8_t> onset;     ///< the same shape: 1 where a note begins, so that repeated notes stay apart

  std::uint8_t at(int step, int pitch) const { return velocity[static_cast<std::size_t>(step) * 128 + pitch]; }
  bool begins(int step, int pitch) const { return onset[static_cast<std::size_t>(step) * 128 + pitch] != 0; }
};

/// Beginnings and ends are rounded to the nearest step; every note fills one step at least. Where notes meet the louder
/// stands. \param steps_per_quarter 1 … 96 \param with_drums        drums share the rows of their percussion keys
/// Throws Error{bad_input} above 1,000,000 steps (128 MB).
PianoRoll piano_roll(const Score& score, int steps_per_quarter = 4, bool with_drums = false);

}  // namespace euterpe
