#pragma once
/// What a drummer plays: which drum on which sixteenth, how hard, how early or late.
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// Of the notes of drum tracks that begin in quarters [from, to) from the beginning of the score; positions count from
/// `from`. The drums are kick, snare, side stick, closed, open and pedal hi-hat, low, middle and high tom, crash, ride
/// and bell (General MIDI keys, and the rims and edges that electronic kits add). Onsets and loudness of each drum on
/// each sixteenth of the bar, timing against the grid, swing, ghost notes, density and tempo. In the order of
/// drum_feature_names(); finite for every score, all 0 where no drum is struck.
std::vector<float> drum_features(const Score& score, double from, double to);
const std::vector<std::string>& drum_feature_names();

/// drum_features() of windows of `quarters` one after another, first the one in which the first drum is struck; those
/// with fewer than `least` notes are left out, and where there are more than `most`, so many spread evenly are taken.
std::vector<std::vector<float>> drum_windows(const Score& score, double quarters, std::size_t least, std::size_t most);

/// Notes of drum tracks.
std::size_t drum_note_count(const Score& score);

}  // namespace euterpe
