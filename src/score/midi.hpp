#pragma once
/// Standard MIDI Files 1.0 (MIDI Manufacturers Association 1996), formats 0 and 1 (and 2, read as parallel tracks).
///
/// Where things live, so that the round trip is exact: one MTrk chunk is one Track, in the file's order, empty ones
/// included. Tempo, time and key signatures of all chunks are gathered in the Score's own lists (stable by tick) and
/// written to the first chunk. Every other meta and system exclusive event stays in its track's `texts`, every channel
/// message that is no note in its `events`, each in file order. Not kept: the order among the three kinds at one tick,
/// silence before end-of-track, unknown chunks, and whether a note ended by note-off of velocity 64 or note-on of
/// velocity 0.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct MidiReadResult {
  Score score;
  int format = 1;  ///< as the header says
  std::vector<std::string>
      mended;  ///< what was wrong in the file and how it was read, with byte offsets; empty if clean
};

/// Reads real-world files: running status, notes never ended, overlapping notes of one pitch (first in, first out),
/// missing end-of-track, chunk lengths that lie, trailing bytes, RIFF wrapping. SMPTE time division is converted to a
/// fixed tempo. A tempo, meter or key that makes no sense (0 µs, 0/4, 9 sharps) is kept among the texts as it stands
/// and has no effect. Memory stays within about 20 times the size of the input. Throws Error{bad_input} with the byte
/// offset where nothing can be saved (no MThd, no track, over 64 MB).
MidiReadResult read_midi(std::span<const std::uint8_t> bytes);
MidiReadResult read_midi(const std::filesystem::path& path);

/// Format 0 for one track, format 1 for more, with running status. A score without tracks becomes one empty chunk.
/// read_midi(write_midi(score)).score == score for every score with a track, in the order that Score::sort() gives,
/// whose track names, programs and drum flags agree with its events as score.hpp says. Where a track has a name or a
/// program but no event that says so, the event is written. Throws Error{unsupported} above 65,535 tracks or for a text
/// of 256 MB or more.
std::vector<std::uint8_t> write_midi(const Score& score);
void write_midi(const std::filesystem::path& path, const Score& score);

}  // namespace euterpe
