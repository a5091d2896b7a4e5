#pragma once
/// MusicXML 4.0 (W3C Music Notation Community Group 2021), score-partwise, uncompressed.
#include <filesystem>
#include <string>

#include "score/score.hpp"

namespace euterpe {

/// Divisions of a quarter note: the coarsest of 1, 2, 3, 4, 6, 8, 12, 16, 24 on which every note's beginning and end
/// and every bar line stands exactly. A performance that no such grid holds gets 24 (thirty-seconds and triplets of
/// them; at 120 quarter notes a minute nothing moves by more than 10 ms).
int notation_divisions(const Score& score);

/// One part for each track and channel that has notes, with its General MIDI program; channel 10 as unpitched
/// percussion. Measures follow the meters, notes are tied over bar lines, notes that overlap go to voices of their own,
/// and each voice fills each measure that it sounds in. Lost: what the grid cannot hold, unisons that begin and end
/// together, controllers; a note below C0 sounds an octave higher, for the format knows no octave −1. Text that is not
/// UTF-8 is taken as Latin-1. The score must be in documented order (Score::sort). Throws Error{unsupported} for more
/// than 1,000,000 measures in all parts together.
std::string write_musicxml(const Score& score);
void write_musicxml(const std::filesystem::path& path, const Score& score);

}  // namespace euterpe
