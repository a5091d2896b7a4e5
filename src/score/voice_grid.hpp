#pragma once
/// Four voices on a grid of sixteenths, as the JSB chorales are published: at each sixteenth the pitch that soprano,
/// alto, tenor and bass sing, or a rest. A held note and the same note struck again look alike.
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

inline constexpr std::int8_t kGridRest = -1;
inline constexpr int kLowestVoice = 30, kHighestVoice = 89;  ///< MIDI pitches that a voice can have
inline constexpr int kVoiceStepsPerQuarter = 4;
using VoicePitches = std::array<std::int8_t, 4>;             ///< soprano, alto, tenor, bass

struct VoiceGrid {
  std::string id;
  std::vector<VoicePitches> steps;
  bool operator==(const VoiceGrid&) const = default;
};

/// Jsb16thSeparated.json, or a folder that holds it: {"train": [piece …], "valid": …, "test": …}, a piece being a list
/// of sixteenths of four pitches, −1 for a rest. Pieces by split, in the file's order.
/// Error{bad_input} naming piece and sixteenth where something is not so.
std::map<std::string, std::vector<VoiceGrid>> read_voice_grids(const std::filesystem::path& path);

/// The grid as one row, S A T B of each sixteenth, 0 for a rest; and back.
std::vector<std::uint8_t> voice_row(const VoiceGrid& grid);
VoiceGrid voice_grid_of_row(std::span<const std::uint8_t> row);

/// Of a score whose notes stand on four tracks, highest voice first by mean pitch. Starts and ends go to the nearest
/// sixteenth; where notes of one voice overlap, the one that began later sounds.
/// Error{bad_input} with another number of voices, beyond the voices' range or above `most` sixteenths.
VoiceGrid voice_grid(const Score& score, std::size_t most = 1 << 14);

/// Four tracks of sung notes; equal neighbors are one note. voice_grid() gives the same steps back, rests at the end
/// left out. \param bpm quarter notes a minute
Score voice_score(const VoiceGrid& grid, double bpm = 80);

}  // namespace euterpe
