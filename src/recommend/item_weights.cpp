#include "recommend/item_weights.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

EUTERPE_HOT void add_scaled(const float* row, float weight, float* scores, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) scores[i] += weight * row[i];
}

}  // namespace

std::vector<WeighedItem> weigh(std::span<const int> history, const Recency& recency) {
  const History items = latest_distinct(history);
  std::vector<WeighedItem> weighed;
  weighed.reserve(items.size());
  for (std::size_t age = 0; age < items.size(); ++age) {
    const double decay = std::exp2(-static_cast<double>(age) / recency.half_life);
    weighed.push_back({items[items.size() - 1 - age], static_cast<float>(recency.floor + (1 - recency.floor) * decay)});
  }
  return weighed;
}

float ItemWeightsView::at(int from, int to) const {
  if (from < 0 || to < 0 || from >= items || to >= items) return 0;
  if (offsets.empty())
    return dense[static_cast<std::size_t>(from) * static_cast<std::size_t>(items) + static_cast<std::size_t>(to)];
  const auto begin = columns.begin() + static_cast<std::ptrdiff_t>(offsets[static_cast<std::size_t>(from)]);
  const auto end = columns.begin() + static_cast<std::ptrdiff_t>(offsets[static_cast<std::size_t>(from) + 1]);
  const auto found = std::lower_bound(begin, end, to);
  return found != end && *found == to ? values[static_cast<std::size_t>(found - columns.begin())] : 0.f;
}

void ItemWeightsView::add_scores(std::span<const WeighedItem> history, std::span<float> scores) const {
  EUTERPE_ASSERT(scores.size() == static_cast<std::size_t>(items));
  for (const WeighedItem& heard : history) {
    if (heard.item < 0 || heard.item >= items) continue;
    const auto row = static_cast<std::size_t>(heard.item);
    if (offsets.empty()) {
      add_scaled(dense.data() + row * scores.size(), heard.weight, scores.data(), scores.size());
    } else {
      for (std::uint64_t at = offsets[row]; at < offsets[row + 1]; ++at)
        scores[static_cast<std::size_t>(columns[at])] += heard.weight * values[at];
    }
  }
}

std::vector<int> best_items(std::span<const float> scores, const std::vector<bool>& excluded, std::size_t k) {
  std::vector<int> order;
  order.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!excluded[i]) order.push_back(static_cast<int>(i));
  const std::size_t kept = std::min(k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), [&](int a, int b) {
    const float x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  order.resize(kept);
  return order;
}

}  // namespace euterpe
