#pragma once
/// What a promotion takes from others: exposure in listeners' lists, discounted by place.
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

using TrackList = std::vector<std::string>;  ///< what one listener is shown, best first, no track twice

/// Exposure of place `rank` (0 = first): 1 / log2(rank + 2) (Singh and Joachims 2018, after Järvelin and Kekäläinen
/// 2002).
double exposure_at(std::size_t rank);

/// The list with `track` put at `rank` (0 = first; the last place if the list is shorter) and as long as before: the
/// others move down and the last one falls out. A track that stands there or higher stays; an empty list stays empty.
TrackList promoted_list(const TrackList& list, std::string_view track, std::size_t rank);

struct ExposureChange {
  std::string name;
  double before = 0, after = 0;  ///< Σ over the lists
  double change() const { return after - before; }
};

/// Every name that occurs in a list before or after the promotion, the largest change first, ties by name. Each list
/// has as many places after as before, so the changes sum to 0 up to rounding. \param group_of what a track is counted
/// under, such as its artist; empty: itself
std::vector<ExposureChange> exposure_ledger(std::span<const TrackList> lists, std::string_view track, std::size_t rank,
                                            const std::function<std::string(const std::string&)>& group_of = {});

double ledger_sum(std::span<const ExposureChange> ledger);  ///< Σ change, 0 up to rounding

}  // namespace euterpe
