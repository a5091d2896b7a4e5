#pragma once
/// Tracks that sound alike, by content alone.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

/// The k tracks of the query's embedding space nearest to it: (track id, cosine −1…1), best first, ties by id.
///
/// Every dimension is standardized over the catalog's tracks of that space before the cosine is taken, for features
/// come in many units and a cosine of the raw ones would see the largest unit alone. A track whose embedding equals the
/// query's stands first with 1; leave it out by its id where that is not wanted. Empty if the space holds no track.
std::vector<std::pair<std::string, double>> similar_tracks(Catalog& catalog, const Descriptors& query, std::size_t k);

}  // namespace euterpe
