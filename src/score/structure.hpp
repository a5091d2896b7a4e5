#pragma once
/// Form: where a piece's passages begin, and which of them are repeats of each other.
#include <cstddef>
#include <span>
#include <vector>

#include "score/annotation.hpp"
#include "score/score.hpp"

namespace euterpe {

/// What the form is read from, in steps of one beat or of a fixed time. Both matrices are row-major, one row a step.
struct StructureFeatures {
  std::vector<double> times;    ///< steps + 1 boundaries in seconds, rising
  std::vector<float> harmony;   ///< [steps × 12] energy per pitch class, ≥ 0
  std::vector<float> timbre;    ///< [steps × timbre_size], any unit: each column is standardized here
  std::size_t timbre_size = 0;  ///< 0: harmony alone
  std::vector<bool> downbeat;   ///< of each step, or empty: boundaries prefer downbeats
  double step_beats = 1;        ///< beats a step stands for; windows are counted in beats

  std::size_t steps() const { return times.empty() ? 0 : times.size() - 1; }
};

/// Boundaries are peaks of two novelties together: of homogeneity (Foote 2000, a checkerboard over the self-similarity)
/// and of repetition (Serra et al. 2014, change in which earlier and later passages a step recurs in). Segments get the
/// same label if one runs along the other, step by step, clearly more alike than unrelated passages of the piece do.
/// Time and memory grow with steps²: callers keep it below 2,000. No steps give no segments, too few give one.
std::vector<StructureSegment> segment_structure(const StructureFeatures& features);

/// Several steps taken together, so that at most `most` remain; a step is a downbeat if its first part is.
StructureFeatures coarsened(StructureFeatures features, std::size_t most = 1200);

/// The form of a score, in steps of the given beats (longer ones where a piece has more than 1,200), half seconds where
/// there are fewer than two (longer ones beyond three hours). Drums count as timbre.
std::vector<StructureSegment> estimate_structure(const Score& score, std::span<const Beat> beats);

}  // namespace euterpe
