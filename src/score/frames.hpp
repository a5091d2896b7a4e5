#pragma once
/// Frames: the sets of pitches that sound at equal steps of time, as polyphonic music is modeled since
/// Boulanger-Lewandowski, Bengio and Vincent 2012.
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

inline constexpr int kLowestFramePitch = 25, kHighestFramePitch = 99;
/// Of a score: eighths, the finest step of the published sets (chorales are published in quarters).
inline constexpr int kFramesPerQuarter = 2;
using PitchFrame = std::vector<std::uint8_t>;  ///< MIDI pitches, ascending, each once

struct FramePiece {
  std::string id;
  std::vector<PitchFrame> frames;
};

/// A file {"train": [piece …], "valid": …, "test": …}, a piece being a list of frames, a frame a list of MIDI pitches.
/// Pieces by split, in the file's order. Error{bad_input} naming piece and frame where something is not so.
std::map<std::string, std::vector<FramePiece>> read_frames(const std::filesystem::path& file);

/// The piece as one row: the pitches of a frame from below and 0 for its end; and back.
std::vector<std::uint8_t> frame_row(const FramePiece& piece);
FramePiece frame_piece_of_row(std::span<const std::uint8_t> row);

/// What sounds at each eighth, drums left out: beginnings and ends go to the nearest eighth, and a pitch held and the
/// same struck again look alike. Frames end with the last that is not empty.
/// Error{bad_input} for a pitch out of range, for more than `most` frames, and where nothing sounds.
FramePiece frame_piece(const Score& score, std::size_t most = 1 << 14);

/// One track; equal neighbors are one note. frame_piece() gives the same frames back, empty ones at the end left out.
Score frame_score(const FramePiece& piece);

}  // namespace euterpe
