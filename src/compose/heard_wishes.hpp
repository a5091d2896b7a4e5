#pragma once
/// What of the wishes can be heard in a piece that was drawn as a whole.
#include "compose/compose.hpp"
#include "score/score.hpp"

namespace euterpe {

double mean_pitch(const Score& score);  ///< MIDI number, 0 without a note
/// Classes of density (half octaves of notes a bar), of register (4 semitones of mean pitch) and of polyphony (half a
/// note that sounds at a time) by which a piece misses what was asked.
double classes_missed(const Score& score, std::size_t bars, const ComposeOptions& options);
/// Whether its key is heard to be `key`.
bool heard_in(const Score& score, const KeyEstimate& key);

}  // namespace euterpe
