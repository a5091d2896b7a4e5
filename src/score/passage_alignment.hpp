#pragma once
/// Two lines of notes laid beside each other where they agree best, whatever their keys and tempos.
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "score/passage_lines.hpp"

namespace euterpe {

/// Scores of the local alignment (Smith and Waterman 1981), with gaps as Gotoh (1982) has them. Differences cost what
/// they mean to a listener, after Mongeau and Sankoff (1990): an octave little, a third or fifth less than a second.
struct AlignmentCosts {
  float same = 1;                ///< equal pitch
  float octave = 0.3f;           ///< octaves apart
  float consonant = -0.8f;       ///< a third, fourth, fifth or sixth apart
  float dissonant = -1.2f;       ///< a second, tritone or seventh apart
  float rhythm = -0.6f;          ///< for each doubling of the distance to the note before, at most two
  float gap = -1, more = -0.4f;  ///< a note that the other has not, the first of several and the next ones
};

/// What stands at time t in `a` stands at tempo_ratio · t in `b`, but for where it begins.
struct PassageAlignment {
  std::vector<std::pair<std::size_t, std::size_t>> notes;  ///< pairs of onsets of a and b, ascending in both
  std::size_t matched = 0;  ///< of them with equal pitch (once transposed) and equal distance to the pair before
  std::size_t span = 0;     ///< onsets between the first pair and the last, in the line that has more of them
  double share = 0;         ///< matched / span
  double similarity = 0;    ///< score / span, 0 … 1
  int transposition = 0;    ///< semitones from b to a
  double tempo_ratio = 1;
};

/// For one transposition and tempo. O(|a| · |b|) time. Empty where nothing agrees.
PassageAlignment align_passages(std::span<const PassageOnset> a, std::span<const PassageOnset> b, int transposition,
                                double tempo_ratio, const AlignmentCosts& costs = {});

/// The best over the keys and tempos that steps of three notes which both lines have speak for.
PassageAlignment align_passages(std::span<const PassageOnset> a, std::span<const PassageOnset> b,
                                const AlignmentCosts& costs = {});

}  // namespace euterpe
