#pragma once
/// The same notes under two names: transposed, faster or slower, with other dynamics, cut. Hashes of intervals and of
/// ratios of time propose pairs, aligned notes decide.
#include <cstddef>
#include <span>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct ScoreDuplicateOptions {
  double same = 0.8;      ///< F-measure of the aligned notes over the part that both have; 0 takes every proposal
  double part = 0.5;      ///< of the shorter piece's length that the common part must cover
  std::size_t votes = 8;  ///< runs of notes that must agree before notes are compared
};

struct ScorePair {
  std::size_t a = 0, b = 0;  ///< indices, a < b
  int transposition = 0;     ///< semitones from a to b
  double stretch = 1;        ///< b's time over a's, both in quarters as written
  double offset = 0;         ///< quarters: what stands at t in a stands at stretch · t + offset in b
  double same = 0;           ///< F-measure of notes matched in pitch and onset (±1/8 quarter as a has it)
  double part = 0;           ///< of the shorter piece that the common part covers
};

/// All pairs of near-equal pieces, by (a, b). Drums are not compared. Costs a look-up a note, not a comparison of all
/// with all; runs of notes that stand in very many pieces (scales, repeated notes) are passed over.
std::vector<ScorePair> find_near_duplicates(std::span<const Score* const> scores,
                                            const ScoreDuplicateOptions& options = {});

}  // namespace euterpe
