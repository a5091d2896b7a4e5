#include "recommend/ease.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "nn/linear_algebra.hpp"

namespace euterpe {
namespace {

/// Fading makes what lies further apart than this negligible for every half-life that makes sense.
constexpr std::size_t kReach = 128;

std::size_t index(int row, int column, int items) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(items) + static_cast<std::size_t>(column);
}

}  // namespace

std::vector<float> count_listeners(const std::vector<History>& histories, int items) {
  std::vector<float> counts(static_cast<std::size_t>(items), 0.f);
  for (const History& history : histories)
    for (const int item : latest_distinct(history, history.size())) counts[static_cast<std::size_t>(item)] += 1;
  return counts;
}

EaseFitter::EaseFitter(std::vector<History> histories, int items) : histories_(std::move(histories)), items_(items) {
  if (items > kMostDenseItems)
    throw Error(Category::unsupported, "fit_ease",
                std::to_string(items) + " items: a dense fit goes up to " + std::to_string(kMostDenseItems),
                "the item-knn model has no such bound");
  popularity_ = count_listeners(histories_, items);
  for (History& history : histories_) history = latest_distinct(history);
}

std::vector<float> EaseFitter::similarity(double lambda) const {
  std::vector<float> weights(index(items_, 0, items_), 0.f);
  for (const History& history : histories_)
    for (const int i : history)
      for (const int j : history) weights[index(i, j, items_)] += 1;
  for (int i = 0; i < items_; ++i) weights[index(i, i, items_)] += static_cast<float>(lambda);
  check_interrupt();
  inverse_spd(weights, items_);
  std::vector<float> diagonal(static_cast<std::size_t>(items_));
  for (int i = 0; i < items_; ++i) diagonal[static_cast<std::size_t>(i)] = weights[index(i, i, items_)];
  for (int j = 0; j < items_; ++j)
    for (int i = 0; i < items_; ++i) {
      float& weight = weights[index(j, i, items_)];
      weight = i == j ? 0.f : -weight / diagonal[static_cast<std::size_t>(i)];
    }
  return weights;
}

std::vector<float> EaseFitter::transitions(double lambda, double past, double future) const {
  const double p = std::exp2(-1 / past), f = std::exp2(-1 / future);
  // Of a pair at distance d: inputs Σ_t p^(t−1−i) p^(t−1−j) = p^d · Σ_k p^2k; input to target Σ_k p^k f^(d−1−k).
  std::vector<double> fade(kReach + 1), follows(kReach + 1, 0.);
  for (std::size_t d = 0; d <= kReach; ++d) {
    fade[d] = std::pow(p, static_cast<double>(d));
    if (d > 0) follows[d] = follows[d - 1] * f + fade[d - 1];
  }
  std::vector<float> inputs(index(items_, 0, items_), 0.f), weights(inputs.size(), 0.f);
  for (const History& history : histories_) {
    const std::size_t length = history.size();
    for (std::size_t j = 0; j < length; ++j) {
      const double rows = static_cast<double>(length - 1 - j);  // positions that see item j as past
      const double sum = (1 - std::pow(p, 2 * rows)) / (1 - p * p);
      for (std::size_t i = j > kReach ? j - kReach : 0; i <= j; ++i) {
        const auto pair = static_cast<float>(fade[j - i] * sum);
        inputs[index(history[i], history[j], items_)] += pair;
        if (i == j) continue;
        inputs[index(history[j], history[i], items_)] += pair;
        weights[index(history[i], history[j], items_)] += static_cast<float>(follows[j - i]);
      }
    }
  }
  for (int i = 0; i < items_; ++i) inputs[index(i, i, items_)] += static_cast<float>(lambda);
  check_interrupt();
  inverse_spd(inputs, items_);
  multiply_square(inputs, weights, weights, items_);
  for (int i = 0; i < items_; ++i) weights[index(i, i, items_)] = 0;
  return weights;
}

ItemWeights EaseFitter::fit(const EaseSettings& settings) {
  if (!similarity_.contains(settings.lambda)) {
    similarity_.clear();
    similarity_[settings.lambda] = similarity(settings.lambda);
  }
  ItemWeights result;
  result.items = items_;
  result.dense = similarity_[settings.lambda];
  if (settings.transition != 0) {
    const std::tuple key(settings.transition_lambda, settings.past, settings.future);
    if (!transitions_.contains(key)) {
      transitions_.clear();
      transitions_[key] = transitions(settings.transition_lambda, settings.past, settings.future);
    }
    const std::vector<float>& second = transitions_[key];
    for (std::size_t k = 0; k < second.size(); ++k)
      result.dense[k] += static_cast<float>(settings.transition) * second[k];
  }
  if (settings.popularity_exponent != 0) {
    std::vector<float> scale(popularity_.size());
    for (std::size_t i = 0; i < scale.size(); ++i)
      scale[i] = static_cast<float>(std::pow(std::max(1.f, popularity_[i]), settings.popularity_exponent));
    for (std::size_t k = 0; k < result.dense.size(); ++k) result.dense[k] *= scale[k % scale.size()];
  }
  return result;
}

ItemWeights EaseFitter::fit_once(const EaseSettings& settings) {
  ItemWeights result = fit(settings);
  similarity_.clear();
  transitions_.clear();
  return result;
}

ItemWeights fit_item_knn(const std::vector<History>& histories, int items, int neighbours, double shrinkage) {
  std::vector<History> lists;
  lists.reserve(histories.size());
  for (const History& history : histories) lists.push_back(latest_distinct(history));
  std::vector<std::vector<int>> listeners(static_cast<std::size_t>(items));
  for (std::size_t user = 0; user < lists.size(); ++user)
    for (const int item : lists[user]) listeners[static_cast<std::size_t>(item)].push_back(static_cast<int>(user));

  ItemWeights result;
  result.items = items;
  result.offsets.push_back(0);
  std::vector<float> together(static_cast<std::size_t>(items), 0.f);
  for (int item = 0; item < items; ++item) {
    if (item % 256 == 0) check_interrupt();
    const auto& own = listeners[static_cast<std::size_t>(item)];
    std::vector<int> touched;
    for (const int user : own)
      for (const int other : lists[static_cast<std::size_t>(user)]) {
        if (other == item) continue;
        float& count = together[static_cast<std::size_t>(other)];
        if (count == 0) touched.push_back(other);
        count += 1;
      }
    std::vector<std::pair<float, int>> near;
    for (const int other : touched) {
      const auto n = static_cast<double>(own.size() * listeners[static_cast<std::size_t>(other)].size());
      near.emplace_back(static_cast<float>(together[static_cast<std::size_t>(other)] / (std::sqrt(n) + shrinkage)),
                        other);
      together[static_cast<std::size_t>(other)] = 0;
    }
    const std::size_t kept = std::min(near.size(), static_cast<std::size_t>(neighbours));
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(kept), near.end(),
                      [](auto a, auto b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
    near.resize(kept);
    std::sort(near.begin(), near.end(), [](auto a, auto b) { return a.second < b.second; });
    for (const auto& [value, other] : near) {
      result.columns.push_back(other);
      result.values.push_back(value);
    }
    result.offsets.push_back(result.columns.size());
  }
  return result;
}

}  // namespace euterpe
