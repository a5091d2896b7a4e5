#pragma once
/// Numbers that describe a score.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// A note on the grid of sixteenths, all that the style recognizer may see: no program, velocity or tempo, for corpora differ
/// in format and that must not be what tells them apart.
struct GridNote {
  int onset = 0;   ///< sixteenths (quarter / 4) from the beginning
  int length = 1;  ///< sixteenths, ≥ 1
  int pitch = 60;
  auto operator<=>(const GridNote&) const = default;
};

/// Non-drum notes of all tracks merged, rounded to the grid, doubles removed (longest kept), in order of (onset, pitch).
std::vector<GridNote> grid_notes(const Score& score);
/// The notes that begin in sixteenths [from, to), shifted so that `from` is 0; lengths cut at `to`.
std::vector<GridNote> grid_window(std::span<const GridNote> notes, int from, int to);

/// Fixed-length descriptor vector of a passage, in the order of score_feature_names(); transposition-invariant except
/// for the register features. Finite for every input, an empty one included.
std::vector<float> score_features(std::span<const GridNote> notes);
const std::vector<std::string>& score_feature_names();

/// Wu and Yang 2020; Dong et al. 2018 (definitions in docs/EVALUATE.md): pitch_class_entropy, scale_consistency,
/// groove_consistency, polyphony, notes_per_bar, pitch_range, qualified_note_rate, empty_bar_rate. Bars of 16 sixteenths.
std::map<std::string, double> score_statistics(std::span<const GridNote> notes, int bars);

}  // namespace euterpe
