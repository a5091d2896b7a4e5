#include "recommend/blend.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {

void Blend::configure(const Settings& settings) { weight_ = settings.at("weight"); }

void Blend::score(std::span<const int> history, std::span<float> scores) const {
  EUTERPE_ASSERT(parts_.size() == 2);
  std::vector<float> its(scores.size());
  std::fill(scores.begin(), scores.end(), 0.f);
  for (std::size_t p = 0; p < 2; ++p) {
    parts_[p]->score(history, its);
    double mean = 0, square = 0;
    for (const float score : its) mean += static_cast<double>(score);
    mean /= static_cast<double>(its.size());
    for (const float score : its) square += (static_cast<double>(score) - mean) * (static_cast<double>(score) - mean);
    const double deviation = std::sqrt(square / static_cast<double>(its.size()));
    if (!(deviation > 0)) continue;  // it tells no item from another
    const double by = (p == 0 ? 1 - weight_ : weight_) / deviation;
    for (std::size_t i = 0; i < its.size(); ++i)
      scores[i] += static_cast<float>(by * (static_cast<double>(its[i]) - mean));
  }
}

}  // namespace euterpe
