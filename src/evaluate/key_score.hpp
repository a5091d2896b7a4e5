#pragma once
/// How near an estimated key comes to the right one (MIREX audio key detection, as in mir_eval 0.7).
#include <utility>
#include <vector>

#include "score/annotation.hpp"
#include "score/key.hpp"

namespace euterpe {

/// 1 the same, 0.5 a perfect fifth above in the same mode, 0.3 the relative key, 0.2 the parallel key, else 0.
double mirex_key_score(const KeyEstimate& reference, const KeyEstimate& estimate);

/// Mean of the same over the annotated seconds, and those seconds; where nothing is estimated the score is 0. Both
/// lists in order of time without overlap.
std::pair<double, double> mirex_key_score(const std::vector<KeySegment>& reference,
                                          const std::vector<KeySegment>& estimate);

}  // namespace euterpe
