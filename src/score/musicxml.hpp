#pragma once
/// MusicXML 4.0 (W3C Music Notation Community Group 2021): read in every form, written as score-partwise, uncompressed.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

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

struct MusicXmlReadResult {
  Score score;
  std::string composer;             ///< as the file credits it, may be empty
  bool compressed = false;          ///< it came as .mxl
  std::vector<std::string> mended;  ///< what was wrong or cannot be played and how it was read, with part and measure
};

/// Reads MusicXML 1.0 to 4.0, partwise or timewise, bare or compressed (.mxl), into what is heard:
///  - A part is a track; where there is a title, the first track has its name and no notes, as in MIDI files.
///  - Written durations are kept, ties are joined. Grace notes sound just before what they adorn, a thirty-second each.
///  - Transposing instruments sound; keys are those that sound. Drums stand on channel 10.
///  - Repeats, endings, da capo, dal segno, coda and fine are played out, with the tempo and key in force there.
///  - Every measure is as long as what is written in it; one that its meter would make longer begins the next bar
///  early.
///  - Dynamic marks are velocities (p 49, mf 80, f 96); lyrics of the verse, words and rehearsal marks are texts.
/// Not played: ornaments, tremolo, arpeggios, hairpins, articulations, cue notes, chord symbols; said in `mended` where
/// notes are left out. The score is in documented order and survives write_midi() unchanged. Entities and DTDs are not
/// expanded. Throws Error{bad_input} with the byte, or part and measure, where nothing can be saved, and for more than
/// 100 MB of text; Error{unsupported} for archives that ZipReader refuses.
MusicXmlReadResult read_musicxml(std::span<const std::uint8_t> bytes);
MusicXmlReadResult read_musicxml(const std::filesystem::path& path);

}  // namespace euterpe
