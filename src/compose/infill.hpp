#pragma once
/// Fills a gap so that what stands behind it goes on from it.
#include <cstdint>

#include "compose/writer.hpp"

namespace euterpe {

inline constexpr int kFills = 8;  ///< that are written of a gap

/// Writes a gap kFills times side by side and keeps the fill after which the bars behind the gap are the likeliest: the
/// network writes from left to right, so that no single fill knows how it will arrive there. The same seed gives the
/// same fill. \param plan with bars behind the gap. Interruptible.
Writer fill_gap(const ComposerNetwork& network, const WritingPlan& plan, std::uint64_t seed);

}  // namespace euterpe
