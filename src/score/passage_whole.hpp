#pragma once
/// Bars of a score that stand in a piece of an index note for note, whatever their key and tempo.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "score/passage_index.hpp"

namespace euterpe {

/// Every note of the passage agrees, in pitch from the lowest and, by its moments, in time.
struct WholePassage {
  std::size_t index = 0, piece = 0;
  double from = 0, to = 0;                ///< quarters in the score, first and last onset
  double source_from = 0, source_to = 0;  ///< quarters in the piece, of its whole bars
  std::size_t onsets = 0;
  int transposition = 0;   ///< semitones from the piece to the score
  double tempo_ratio = 1;  ///< quarters in the piece for one in the score
};

/// Of each piece the longest passage that has the onsets it needs (print_onsets_needed()). Costs a look-up for each
/// pair of onsets less than nine bars apart: a millisecond for a piece of sixteen bars.
std::vector<WholePassage> find_whole_passages(const Score& score, std::span<const PassageIndex* const> indexes);

}  // namespace euterpe
