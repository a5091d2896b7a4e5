#pragma once
/// All that Euterpe reads of the music in a score: beats, keys, chords, form and melody, on a time axis in seconds.
#include "score/annotation.hpp"
#include "score/score.hpp"

namespace euterpe {

/// Finds what the notes say; notated key signatures and tempo are not taken for granted. An empty score gives duration
/// 0 and nothing else.
Annotations annotate(const Score& score);

}  // namespace euterpe
