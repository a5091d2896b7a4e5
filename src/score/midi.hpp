#pragma once
/// Standard MIDI Files 1.0, formats 0 and 1 (and 2, read as parallel tracks).
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct MidiReadResult {
  Score score;
  int format = 1;                    ///< as the header says
  std::vector<std::string> mended;   ///< what was wrong in the file and how it was read, with byte offsets; empty if clean
};

/// Reads real-world files: running status, notes never ended, overlapping notes of one pitch (first in, first out),
/// missing end-of-track, chunk lengths that lie, trailing bytes, RIFF wrapping. SMPTE time division is converted.
/// Throws Error{bad_input} with the byte offset where nothing can be saved (no MThd, no track).
MidiReadResult read_midi(std::span<const std::uint8_t> bytes);
MidiReadResult read_midi(const std::filesystem::path& path);

/// Format 1: first chunk carries tempos, meters and keys and Score.tracks[0] only if `format` is 0 or the score has one
/// track that holds no notes; every note, tempo, meter, key, channel and text event is written.
/// read_midi(write_midi(score)).score == score for every score in documented order.
std::vector<std::uint8_t> write_midi(const Score& score);
void write_midi(const std::filesystem::path& path, const Score& score);

}  // namespace euterpe
