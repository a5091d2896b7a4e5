#pragma once
/// Tracks that sound alike, by content alone.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

/// Makes embeddings whose features come in many units comparable.
struct EmbeddingStandard {
  std::vector<double> mean, deviation;  ///< of each feature over the tracks that it was made from

  EmbeddingStandard() = default;
  /// \param tracks (id, embedding [size], finite)
  EmbeddingStandard(const std::vector<std::pair<std::string, std::vector<float>>>& tracks, std::size_t size);
  /// Unit vector of the deviations from the mean, in deviations and at most 5 of them, or all zero where nothing sets
  /// the embedding apart. \param embedding [mean.size()]
  std::vector<double> apply(const std::vector<float>& embedding) const;
};

/// The k of `tracks` nearest to `query`: (track id, cosine −1…1), best first, ties by id. Those of another length or
/// with numbers that are not finite are left out.
///
/// Every dimension is standardized over the tracks before the cosine is taken, for features come in many units and a
/// cosine of the raw ones would see the largest unit alone. A track whose embedding equals the query's stands first
/// with 1; leave it out by its id where that is not wanted.
std::vector<std::pair<std::string, double>> nearest_embeddings(
    std::vector<std::pair<std::string, std::vector<float>>> tracks, const std::vector<float>& query, std::size_t k);

/// The k tracks of the query's embedding space nearest to it, by nearest_embeddings(). Empty if the space holds no track.
std::vector<std::pair<std::string, double>> similar_tracks(Catalog& catalog, const Descriptors& query, std::size_t k);

}  // namespace euterpe
