#include "catalog/similar.hpp"

#include <algorithm>
#include <cmath>

namespace euterpe {
namespace {

constexpr double kFarthest = 5;  // deviations; one wild feature may not decide alone

bool finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

}  // namespace

EmbeddingStandard::EmbeddingStandard(const std::vector<std::pair<std::string, std::vector<float>>>& tracks,
                                     std::size_t size)
    : mean(size, 0), deviation(size, 0) {
  const auto n = static_cast<double>(tracks.size());
  for (const auto& [id, embedding] : tracks) {
    for (std::size_t i = 0; i < size; ++i) mean[i] += static_cast<double>(embedding[i]) / n;
  }
  for (const auto& [id, embedding] : tracks) {
    for (std::size_t i = 0; i < size; ++i) {
      deviation[i] += std::pow(static_cast<double>(embedding[i]) - mean[i], 2) / n;
    }
  }
  for (double& d : deviation) d = std::sqrt(d);
}

std::vector<double> EmbeddingStandard::apply(const std::vector<float>& embedding) const {
  std::vector<double> z(mean.size(), 0);
  double norm = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (deviation[i] <= 1e-9 * (1 + std::abs(mean[i]))) continue;  // the same for all: tells nothing apart
    z[i] = std::clamp((static_cast<double>(embedding[i]) - mean[i]) / deviation[i], -kFarthest, kFarthest);
    norm += z[i] * z[i];
  }
  if (norm > 0) {
    for (double& v : z) v /= std::sqrt(norm);
  }
  return z;
}

std::vector<std::pair<std::string, double>> nearest_embeddings(
    std::vector<std::pair<std::string, std::vector<float>>> tracks, const std::vector<float>& query, std::size_t k) {
  std::vector<std::pair<std::string, double>> result;
  if (query.empty() || !finite(query)) return result;
  std::erase_if(tracks, [&](const auto& t) { return t.second.size() != query.size() || !finite(t.second); });
  const EmbeddingStandard standard(tracks, query.size());
  const std::vector<double> wanted = standard.apply(query);
  for (const auto& [id, embedding] : tracks) {
    const std::vector<double> other = standard.apply(embedding);
    double cosine = 0;
    for (std::size_t i = 0; i < other.size(); ++i) cosine += wanted[i] * other[i];
    result.emplace_back(id, embedding == query ? 1.0 : std::clamp(cosine, -1.0, 1.0));
  }
  const std::size_t count = std::min(k, result.size());
  std::ranges::partial_sort(
      result, result.begin() + static_cast<std::ptrdiff_t>(count),
      [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  result.resize(count);
  return result;
}

std::vector<std::pair<std::string, double>> similar_tracks(Catalog& catalog, const Descriptors& query, std::size_t k) {
  std::vector<std::pair<std::string, std::vector<float>>> tracks;
  if (query.embedding.empty()) return {};
  for (const TrackRecord& track : catalog.tracks())
    if (auto found = catalog.descriptors(track.id); found && found->embedding_space == query.embedding_space)
      tracks.emplace_back(track.id, std::move(found->embedding));
  return nearest_embeddings(std::move(tracks), query.embedding, k);
}

}  // namespace euterpe
