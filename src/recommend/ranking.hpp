#pragma once
/// How well a ranking puts what was heard next, counted against us wherever it could be counted either way.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recommend/models.hpp"

namespace euterpe {

/// A history and the item heard next.
struct RankingQuery {
  History history;
  int target = 0;
};

/// Each history without its last `positions` items, and a query for each of those (oldest first) from all before it.
/// A history keeps at least one item: shorter ones give fewer queries, one of a single item none.
struct HeldOut {
  std::vector<History> fit;
  std::vector<RankingQuery> queries;
};
HeldOut hold_out(const std::vector<History>& histories, std::size_t positions);

/// Items ranked above the target, 0 = first. The items of `excluded` do not compete (the target does, even if it is
/// among them); equal scores and NaN stand above the target. scores: [items].
int rank_among_all(std::span<const float> scores, int target, std::span<const int> excluded);
/// The same among the given items alone; the target's own number among them is passed over.
int rank_among(std::span<const float> scores, int target, std::span<const int> candidates);

double hit_rate(int rank, int k);  ///< 1 or 0
double ndcg(int rank, int k);      ///< 1 / log2(rank + 2), 0 beyond k (one relevant item)

struct Estimate {
  double mean = 0, low = 0, high = 0;  ///< 95 % percentile bootstrap
};
/// Resamples the values 1,000 times with replacement. An empty input gives zeros.
Estimate bootstrap_mean(std::span<const double> values, std::uint64_t seed);

/// Mean NDCG@10 and HR@10 in the full ranking without what was heard.
struct Quality {
  double ndcg10 = 0, hr10 = 0;
};
Quality measure(const ItemModel& model, std::span<const RankingQuery> queries, int items);

/// The settings of `row` that give the highest NDCG@10 on `held_out`, one setting at a time, twice around; leaves
/// `model` fitted and configured so. \param note called with each attempt
struct Choice {
  Settings settings;
  Quality validation;
  int tried = 0;
};
Choice choose_settings(ItemModel& model, const ModelRow& row, const HeldOut& held_out, int items,
                       const std::function<void(const Settings&, const Quality&)>& note = {});

}  // namespace euterpe
