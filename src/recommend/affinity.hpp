#pragma once
/// How much one track suits each listener: a linear model of their listens, so that every listen's part is exact.
#include <span>
#include <vector>

#include "recommend/item_weights.hpp"

namespace euterpe {

/// What a listen of each item says for the track, [items]: affinity of a listener = Σ_j h_j · weights[j].
using TrackWeights = std::vector<float>;

/// Of an item that the model knows: its column of W.
TrackWeights column_of(const ItemWeightsView& model, int item);

/// An item that stands for a track without listens.
struct StandIn {
  int item = 0;
  double weight = 1;  ///< > 0
};
/// Look-alikes of the stand-ins' audience: the mean of their columns by weight. W has no diagonal, so a listen of a
/// stand-in itself is given the largest weight of its column. \param stand_ins not empty
TrackWeights look_alike(const ItemWeightsView& model, std::span<const StandIn> stand_ins);

/// Σ_j h_j · weights[j]; items of the history beyond the weights are passed over.
double affinity(std::span<const WeighedItem> history, const TrackWeights& weights);

/// Whether any listen speaks for the track.
bool says_anything(const TrackWeights& weights);

}  // namespace euterpe
