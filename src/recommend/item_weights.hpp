#pragma once
/// A linear recommender: the score of item i is Σ_j h_j · W[j][i] over the items j of the history.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "recommend/interactions.hpp"

namespace euterpe {

/// How much an item of the history counts by its age a in positions (0 = latest): floor + (1 − floor) · 2^(−a /
/// half_life).
struct Recency {
  double half_life = 8;  ///< positions, > 0
  double floor = 0.1;    ///< 0–1; 1 = age does not count
  bool operator==(const Recency&) const = default;
};

struct WeighedItem {
  int item = 0;
  float weight = 0;
};

/// The distinct items of a history with their weights, latest first.
std::vector<WeighedItem> weigh(std::span<const int> history, const Recency& recency);

/// W without its owner: dense rows [items × items], or rows of (item, weight) where `offsets` is not empty.
struct ItemWeightsView {
  int items = 0;
  std::span<const float> dense;            ///< items² row-major, or empty
  std::span<const std::uint64_t> offsets;  ///< items + 1 into `columns` and `values`, or empty
  std::span<const std::int32_t> columns;
  std::span<const float> values;

  float at(int from, int to) const;
  /// scores[i] += Σ_j weight_j · W[j][i]; items of the history outside 0 … items − 1 are passed over. scores: [items].
  void add_scores(std::span<const WeighedItem> history, std::span<float> scores) const;
};

struct ItemWeights {
  int items = 0;
  std::vector<float> dense;
  std::vector<std::uint64_t> offsets;
  std::vector<std::int32_t> columns;
  std::vector<float> values;
  ItemWeightsView view() const { return {items, dense, offsets, columns, values}; }
};

/// Numbers of the k best scores, best first, ties by number; items with `excluded` set are left out. Both spans:
/// [items].
std::vector<int> best_items(std::span<const float> scores, const std::vector<bool>& excluded, std::size_t k);

}  // namespace euterpe
