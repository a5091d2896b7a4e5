#pragma once
/// Four bars as a piano roll: what the GAN draws and what it is shown.
///
/// Values are 0 or 1, laid out [channel][step][pitch]. A bar takes sixteen steps whatever its meter; one of 12 or 8
/// sixteenths fills the first of them, the rest is 0. A note that still sounds at a bar's last sixteenth goes on in the
/// next bar's first.
#include <cstddef>
#include <span>
#include <vector>

#include "score/bar_grid.hpp"

namespace euterpe {

inline constexpr int kPhraseBars = 4, kBarBeats = 4;  ///< a beat has four sixteenths
inline constexpr int kPhraseSteps = kPhraseBars * kMostGridSteps;
inline constexpr int kRollPitches = 72, kLowestRollPitch = 24;  ///< MIDI 24 (C1) … 95 (B6)
/// Onsets stand beside what sounds so that a repeated note is told from a held one.
enum RollChannel { kMelodySounds, kMelodyOnset, kAccompanimentSounds, kAccompanimentOnset, kRollChannels };
inline constexpr std::size_t kPhraseValues = std::size_t{kRollChannels} * kPhraseSteps * kRollPitches;

/// \param bars four of one meter; what was held over from before them is left out, what is held beyond them cut,
/// pitches outside the roll move into it by octaves. The melody has one note at a time: a higher one at the same onset
/// wins, a later one ends an earlier. \return kPhraseValues
std::vector<float> phrase_roll(std::span<const GridBar> bars);

/// The notes of a roll: one begins where an onset stands or sound begins, and lasts as long as it sounds without a new
/// onset. \param meter number in grid_meters() \return kPhraseBars bars
std::vector<GridBar> roll_bars(std::span<const float> roll, int meter);

/// For each step of a phrase in this meter the step before it, −1 for the first and for steps that are not filled.
std::vector<int> steps_before(int meter);

}  // namespace euterpe
