#pragma once
/// Which of several pieces to hand out first.
#include <span>
#include <vector>

#include "compose/compose.hpp"

namespace euterpe {

struct RankedVariant {
  std::size_t index = 0;  ///< in what was ranked
  double likelihood = 0;  ///< mean log-likelihood of a token, nats: how sure the model was
  double novelty = 0;     ///< 0–1: mean distance (1 − cosine of note_ngrams()) to the other pieces
};

/// Best first: by the sum of a piece's places in likelihood and in novelty, so that neither the dull nor the wild one
/// wins; ties go to the likelier, then to the earlier.
std::vector<RankedVariant> rank_variants(std::span<const Composition> pieces);

}  // namespace euterpe
