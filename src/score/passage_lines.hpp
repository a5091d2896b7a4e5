#pragma once
/// What passages are compared by: the lines of a score as onsets with pitches, and hashes of short runs of them that
/// neither transposition nor tempo changes.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// Notes that begin together.
struct PassageOnset {
  double time = 0, end = 0;  ///< quarters; `end` of the highest note
  int top = 0, bottom = 0;   ///< MIDI pitches; equal on a melody line
};

struct PassageLine {
  enum class Kind : std::uint8_t {
    texture,  ///< every onset of all parts with its outer pitches
    melody    ///< one note at a time: the highest line of all parts, or that of one part
  };
  Kind kind = Kind::melody;
  int part = -1;  ///< of the parts with pitched notes, in order; −1 = all
  std::vector<PassageOnset> onsets;
};

inline constexpr double kPassageTogether = 1.0 / 12;

/// The texture, the highest line of all, and the highest line of each part if there are several. Drums are left out: a
/// beat belongs to nobody. A note does not count as melody while a higher one still sounds for a quarter of its length.
/// \param together quarters below which notes begin together
std::vector<PassageLine> passage_lines(const Score& score, double together = kPassageTogether);
/// Those of them that an index holds: the texture, the highest line of all, and the part that sings (score_melody()) if
/// there is one.
std::vector<PassageLine> indexed_passage_lines(const Score& score);

/// How long the hashed runs are, in onsets.
struct PassageRuns {
  std::uint8_t melody = 7, texture = 5;
  std::uint8_t of(PassageLine::Kind kind) const { return kind == PassageLine::Kind::melody ? melody : texture; }
};

inline constexpr int kPassageHashBits = 24;

struct PassageRun {
  std::uint32_t hash = 0;   ///< kPassageHashBits bits
  std::uint32_t onset = 0;  ///< of the line, the run's first
  /// When its onsets a third and two thirds through come, as shares of its length from first to last onset, 0 … 1.
  std::array<float, 2> rhythm{};
};

/// The two shares in a byte, and whether a run has that rhythm as far as performers keep one.
std::uint8_t pack_rhythm(const std::array<float, 2>& rhythm);
bool same_rhythm(const std::array<float, 2>& rhythm, std::uint8_t packed);

/// Every run of a line in order, those left out in which nothing moves. Hashed are the steps of the highest pitch and,
/// in a texture, the distance of the lowest below it; not the rhythm, which a performer never gives twice alike: it
/// stands beside the hash as numbers that can be compared with a tolerance, whatever the tempo. A texture that is
/// nowhere wider than one note has none, for its melody line says the same.
std::vector<PassageRun> passage_runs(const PassageLine& line, const PassageRuns& lengths);

}  // namespace euterpe
