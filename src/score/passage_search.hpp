#pragma once
/// The passage of an index that a score comes nearest to.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "score/passage_index.hpp"

namespace euterpe {

/// A passage of a score and what it repeats. Passages are told apart by notes and rhythm, never by key or tempo.
struct PassageMatch {
  std::string piece;      ///< its name in the index; empty where nothing agrees
  std::size_t index = 0;  ///< of the indexes that were searched

  double from = 0, to = 0;                     ///< quarters in the score, beginning of the first and last note
  double source_from = 0, source_to = 0;       ///< quarters in the piece, ±1/4
  int bar_from = 0, bar_to = 0;                ///< in the score, counted from 1
  int source_bar_from = 0, source_bar_to = 0;  ///< in the piece, by its first meter

  PassageLine::Kind line = PassageLine::Kind::melody;  ///< on which it was found
  std::size_t notes = 0;                               ///< onsets of that line that agree
  std::size_t of_notes = 0;                            ///< onsets that the line has there
  double share = 0;                                    ///< notes / of_notes
  /// Onsets that agree, on the texture and on a melody line together; each counts for how rare its run is (1 in one
  /// piece alone, 0 in every one), a figure that is repeated counts once, and what is shorter than kPassageBars
  /// counts in proportion.
  double weight = 0;
  bool whole = false;      ///< every note of whole bars agrees (score/passage_whole.hpp): similarity is 1
  double similarity = 0;   ///< 0 … 1, see passage_similarity()
  int transposition = 0;   ///< semitones from the piece to the score
  double tempo_ratio = 1;  ///< quarters in the piece for one in the score: 2 if the score has half the values
};

/// Bars in the piece that a passage lasts, first to last note: one or two are a figure that many use.
inline constexpr double kPassageBars = 3;
/// Weight at which a passage without a gap is half as near as can be.
inline constexpr double kPassageHalf = 12;

/// share · (1 − 2^(−weight / kPassageHalf)): it grows with what was taken and with how whole it is.
double passage_similarity(double weight, double share);

/// The nearest passages, the most similar first, one a piece, at most `most`: what stands there note for note
/// (find_whole_passages()), then what runs of notes say. Rarity counts over all indexes together. Costs a look-up for
/// each run of notes and each pair of onsets: milliseconds for a piece.
std::vector<PassageMatch> find_passages(const Score& score, std::span<const PassageIndex* const> indexes,
                                        std::size_t most = 1);

}  // namespace euterpe
