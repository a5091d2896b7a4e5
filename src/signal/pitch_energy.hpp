#pragma once
/// Energy per semitone: what chords and keys are heard from.
#include <span>

#include "signal/matrix.hpp"

namespace euterpe {

inline constexpr int kPitchEnergyRate = 22050;  ///< Hz
inline constexpr int kPitchEnergyHop = 1024;    ///< samples, 46 ms
inline constexpr int kPitchEnergyLowest = 24;   ///< MIDI pitch of the first row: C1
inline constexpr int kPitchEnergyCount = 84;    ///< up to B7

/// Magnitude per semitone, tuned to the recording: [84 × frames]. Filters of a third of a semitone's spacing, three
/// of which make a semitone, so that a note of the grid and its neighbors do not leak into each other.
/// mono: at 22,050 Hz, full scale ±1; NaN and infinity count as silence.
Matrix pitch_energy(std::span<const float> mono);

}  // namespace euterpe
