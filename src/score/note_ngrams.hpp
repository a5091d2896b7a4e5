#pragma once
/// Counts of short patterns in a score: steps, rhythms, chords and how they follow each other.
#include <cstdint>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// The elements that are not 0.
struct SparseVector {
  std::vector<std::uint32_t> index;  ///< ascending
  std::vector<float> value;          ///< as many
  bool empty() const { return index.empty(); }
};

/// Patterns are hashed into so many counters.
inline constexpr std::uint32_t kNoteNgrams = 1u << 14;

/// Of the pitched notes of all tracks merged, in twelfths of a quarter, no tempo, velocity, program or track: in the
/// highest and in the lowest line, runs of one to four steps, of one to four gaps, and of one to three of both
/// together; at each onset what begins and what sounds over the bass, and what chord it leads to; gaps, sizes and outer
/// voices of neighboring onsets; onsets within the beat; lengths and registers. Does not change with transposition but
/// for the registers. At most the first kNgramNotes notes count. Empty for fewer than four notes.
SparseVector note_ngrams(const Score& score);

inline constexpr std::size_t kNgramNotes = 6000;

}  // namespace euterpe
