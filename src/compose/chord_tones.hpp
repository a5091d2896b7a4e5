#pragma once
/// Leaning on the chords that were asked while notes are drawn.
#include <span>

#include "score/remi_chords.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {

/// Takes nats from what would speak against the chords of a bar, so that foreign tones stay what they are in real
/// music, notes in passing: from pitches that are no tones of the chord that holds, on a beat most; after such a pitch
/// from durations, for each beat more than a half that the note would sound where it is foreign. A chord without a root
/// ("none") takes nothing. \param logits [RemiVocabulary::size()] of what comes next
/// \param chords of the bar, one or two; the second begins on the beat at or after the middle
/// \param bar tokens of the bar so far, \param meter index into remi_meters()
void lean_on_chords(std::span<float> logits, const BarChords& chords, std::span<const Token> bar, int meter);

}  // namespace euterpe
