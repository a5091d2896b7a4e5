#pragma once
/// Fills a gap so that what stands behind it goes on from it.
#include <cstdint>
#include <vector>

#include "base/progress.hpp"
#include "compose/writer.hpp"

namespace euterpe {

inline constexpr int kFills = 8;  ///< that are written of a gap

/// Writes a gap kFills times side by side: the network writes from left to right, so that no single fill knows how it
/// will arrive behind the gap. The same seed gives the same fills. \param plan with bars behind the gap
/// \param progress told of every bar that is written, may be null
/// \return all fills; that after which the bars behind the gap are the likeliest comes first. Interruptible.
std::vector<Writer> fill_gap(const ComposerNetwork& network, const WritingPlan& plan, std::uint64_t seed,
                             Progress* progress = nullptr);

}  // namespace euterpe
