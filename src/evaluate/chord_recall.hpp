#pragma once
/// How much of an annotated song's time is given the right chord, by the rules of mir_eval 0.7 (Raffel et al. 2014).
#include <utility>
#include <vector>

#include "score/annotation.hpp"

namespace euterpe {

enum class ChordComparison {
  root,      ///< the same root, or both silent
  majmin,    ///< the same major or minor triad; other references are left out
  sevenths,  ///< the same of maj, min, maj7, 7, min7; other references are left out
};

/// Share of the seconds that count, and those seconds. Both lists in order of time without overlap; where the estimate
/// has nothing it says "no chord". A chord of quality `other` counts as out of the vocabulary.
std::pair<double, double> chord_recall(const std::vector<ChordSegment>& reference,
                                       const std::vector<ChordSegment>& estimate, ChordComparison comparison);

}  // namespace euterpe
