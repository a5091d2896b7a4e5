#include "recommend/blend.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {

Standardized::Standardized(std::span<const float> scores) {
  if (scores.empty()) return;
  double square = 0;
  for (const float score : scores) mean += static_cast<double>(score);
  mean /= static_cast<double>(scores.size());
  for (const float score : scores) square += (static_cast<double>(score) - mean) * (static_cast<double>(score) - mean);
  const double deviation = std::sqrt(square / static_cast<double>(scores.size()));
  if (deviation > 0) scale = 1 / deviation;
}

void Blend::configure(const Settings& settings) { weight_ = settings.at("weight"); }

void Blend::score(std::span<const int> history, std::span<float> scores) const {
  EUTERPE_ASSERT(parts_.size() == 2);
  std::vector<float> its(scores.size());
  std::fill(scores.begin(), scores.end(), 0.f);
  for (std::size_t p = 0; p < 2; ++p) {
    parts_[p]->score(history, its);
    const Standardized standard(its);
    for (std::size_t i = 0; i < its.size(); ++i) scores[i] += static_cast<float>(weight_of(p) * standard.of(its[i]));
  }
}

std::vector<float> Blend::reasons(std::span<const int> history, int item, int items) const {
  std::vector<float> out(history.size()), its(static_cast<std::size_t>(items));
  for (std::size_t p = 0; p < 2; ++p) {
    parts_[p]->score(history, its);
    const double by = weight_of(p) * Standardized(its).scale;
    const std::vector<float> parts = parts_[p]->reasons(history, item, items);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += static_cast<float>(by * static_cast<double>(parts[i]));
  }
  return out;
}

}  // namespace euterpe
