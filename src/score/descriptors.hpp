#pragma once
/// Numbers that describe a score.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// A note on the grid of sixteenths, all that the style recognizer may see: no program, velocity or tempo, for corpora
/// differ in format and that must not be what tells them apart.
struct GridNote {
  int onset = 0;   ///< sixteenths (quarter / 4) from the beginning
  int length = 1;  ///< sixteenths, ≥ 1
  int pitch = 60;
  auto operator<=>(const GridNote&) const = default;
};

/// Non-drum notes of all tracks merged, rounded to the grid, doubles removed (longest kept), in order of (onset,
/// pitch).
std::vector<GridNote> grid_notes(const Score& score);
/// The notes that begin in sixteenths [from, to), shifted so that `from` is 0; lengths cut at `to`.
std::vector<GridNote> grid_window(std::span<const GridNote> notes, int from, int to);

/// Fixed-length descriptor vector of a passage, in the order of score_feature_names(); transposition-invariant except
/// for the register features. Invariant too to shifts by whole beats, because corpora disagree about where a bar with a
/// pickup begins. Notes must be in order of (onset, pitch). Finite for every input, an empty one included.
std::vector<float> score_features(std::span<const GridNote> notes);
const std::vector<std::string>& score_feature_names();

/// The statistics by which generated and real music are compared. Bars of 16 sixteenths; notes beyond `bars` are left
/// out and an empty passage gives 0 for all but empty_bar_rate.
///  - pitch_class_entropy (Wu and Yang 2020): −Σ p log₂ p over the 12 pitch classes, each note counted once; bits,
///  0–3.585.
///  - scale_consistency (Mogren 2016): largest share of notes inside one of the 12 diatonic scales.
///  - groove_consistency (Wu and Yang 2020, over neighboring bars): 1 − mean over pairs (i, i + 1) of the share of the
///  16
///    positions where one of the two bars has an onset and the other has none; 1 for fewer than two bars.
///  - polyphony: mean number of sounding notes over the sixteenths in which any sounds.
///  - notes_per_bar: notes / bars.  pitch_range: highest − lowest pitch, semitones.
///  - qualified_note_rate (Dong et al. 2018): share of notes that are no fragments. Their limit, a 32nd, is shorter
///  than
///    this grid can hold; here a note of at least two sixteenths qualifies.
///  - empty_bar_rate (Dong et al. 2018): share of bars in which no note sounds.
std::map<std::string, double> score_statistics(std::span<const GridNote> notes, int bars);

}  // namespace euterpe
