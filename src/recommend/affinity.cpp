#include "recommend/affinity.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {

TrackWeights column_of(const ItemWeightsView& model, int item) {
  TrackWeights weights(static_cast<std::size_t>(model.items));
  for (int from = 0; from < model.items; ++from) weights[static_cast<std::size_t>(from)] = model.at(from, item);
  return weights;
}

TrackWeights look_alike(const ItemWeightsView& model, std::span<const StandIn> stand_ins) {
  EUTERPE_ASSERT(!stand_ins.empty());
  double sum = 0;
  for (const StandIn& one : stand_ins) sum += one.weight;
  TrackWeights mean(static_cast<std::size_t>(model.items), 0.f);
  for (const StandIn& one : stand_ins) {
    TrackWeights column = column_of(model, one.item);
    column[static_cast<std::size_t>(one.item)] = std::max(0.f, *std::max_element(column.begin(), column.end()));
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += static_cast<float>(one.weight / sum) * column[j];
  }
  return mean;
}

double affinity(std::span<const WeighedItem> history, const TrackWeights& weights) {
  double sum = 0;
  for (const WeighedItem& heard : history)
    if (static_cast<std::size_t>(heard.item) < weights.size())
      sum += static_cast<double>(heard.weight) * static_cast<double>(weights[static_cast<std::size_t>(heard.item)]);
  return sum;
}

bool says_anything(const TrackWeights& weights) {
  return std::any_of(weights.begin(), weights.end(), [](float w) { return w > 0; });
}

}  // namespace euterpe
