#pragma once
/// Named figures of a score's texture, range, density and rhythm, beside the shares that profile() gives.
#include <map>
#include <string>

#include "score/score.hpp"

namespace euterpe {

/// Drums are left out of all but notes_per_second. Nothing but zeros where no note sounds.
///  - notes_per_second, notes_per_beat; polyphony: mean number of notes while any sounds.
///  - ambitus_lowest, ambitus_highest (MIDI pitch), ambitus (semitones); melody_lowest, melody_highest, melody_range
///  and melody_share, the share of the melody in the time in which anything sounds (score_melody()).
///  - texture_monophonic, texture_homophonic, texture_polyphonic: share of the beats with notes in which one note
///  sounds at a time; in which several do that mostly begin together; in which several do that mostly begin alone.
///  - onsets_on_beat, onsets_on_half_beat, onsets_between: share of onsets nearest to those points of the beat. Beats
///  are those of beat_evidence().
///  - velocity_mean, velocity_deviation: 1–127.
std::map<std::string, double> describe(const Score& score);

}  // namespace euterpe
