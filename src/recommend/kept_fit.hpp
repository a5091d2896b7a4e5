#pragma once
/// The fit of a catalog's listens: read where it is kept and still holds, made again otherwise.
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "recommend/fit_file.hpp"

namespace euterpe {

/// A listener's tracks as numbers of the ascending `items`. Others are numbered from items.size() on, so that they
/// count as positions in time and weigh nothing.
History numbers_of(std::span<const std::string> tracks, const std::vector<std::string>& items);

/// One listener of a log.
struct Listener {
  std::string name;
  std::vector<std::string> tracks;  ///< oldest first
};
/// \param listens by user, as Catalog::listens() gives them
std::vector<Listener> listeners_of(const std::vector<Listen>& listens);

/// Model, recency and weights of EASE, or of item-knn above kMostDenseItems; names and listens are left empty. Up to
/// 600 items the options are chosen on the last two items of each history. \param histories of items below `items`
Fit fit_histories(const std::vector<History>& histories, int items);

/// listen_hash() of each, ascending.
std::vector<std::uint64_t> listen_hashes(const std::vector<Listen>& listens);

/// Listens ÷ listens of the fit up to which a kept fit answers questions: a new item waits until then.
inline constexpr double kMostGrowth = 1.1;

/// CATALOG/models/recommend.fit, made again and kept if it is missing or damaged, if there are more than `most_growth`
/// times its listens or if one that it learned from is gone; with model "none", and the file removed, where there are
/// no listens. A fit that cannot be kept or read is a warning in the log. \param most_growth 1 = no listen may be
/// missing, 0 = always fit anew
Fit kept_fit(const Catalog& catalog, const std::vector<Listen>& listens, double most_growth = kMostGrowth);

}  // namespace euterpe
