#include "recommend/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {

HeldOut hold_out(const std::vector<History>& histories, std::size_t positions) {
  HeldOut result;
  for (const History& history : histories) {
    const std::size_t held = std::min(positions, history.empty() ? 0 : history.size() - 1);
    const auto cut = history.end() - static_cast<std::ptrdiff_t>(held);
    result.fit.emplace_back(history.begin(), cut);
    for (auto at = cut; at != history.end(); ++at) result.queries.push_back({History(history.begin(), at), *at});
  }
  return result;
}

namespace {

// Not "≥": a NaN, the target's or another's, then stands above.
bool above(float score, float target) { return !(score < target); }

}  // namespace

int rank_among_all(std::span<const float> scores, int target, std::span<const int> excluded) {
  const float own = scores[static_cast<std::size_t>(target)];
  int rank = -1;  // the target is counted once below
  for (const float score : scores) rank += above(score, own);
  for (const int item : latest_distinct(excluded, excluded.size()))
    if (item != target) rank -= above(scores[static_cast<std::size_t>(item)], own);
  return rank;
}

int rank_among(std::span<const float> scores, int target, std::span<const int> candidates) {
  const float own = scores[static_cast<std::size_t>(target)];
  int rank = 0;
  for (const int item : candidates)
    if (item != target) rank += above(scores[static_cast<std::size_t>(item)], own);
  return rank;
}

double hit_rate(int rank, int k) { return rank < k ? 1 : 0; }
double ndcg(int rank, int k) { return rank < k ? 1 / std::log2(rank + 2.) : 0; }

Estimate bootstrap_mean(std::span<const double> values, std::uint64_t seed) {
  constexpr std::size_t kResamples = 1000;
  Estimate result;
  if (values.empty()) return result;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) result.mean += value;
  result.mean /= n;
  Random random(seed);
  std::vector<double> means(kResamples, 0.);
  for (double& mean : means)
    for (std::size_t i = 0; i < values.size(); ++i) mean += values[random.below(values.size())];
  for (double& mean : means) mean /= n;
  std::sort(means.begin(), means.end());
  result.low = means[kResamples / 40];
  result.high = means[kResamples - 1 - kResamples / 40];
  return result;
}

Quality measure(const ItemModel& model, std::span<const RankingQuery> queries, int items) {
  if (queries.empty()) return {};
  std::vector<int> ranks(queries.size());
  constexpr std::size_t kBlock = 64;  // queries that share one buffer of scores
  parallel_for((queries.size() + kBlock - 1) / kBlock, [&](std::size_t block) {
    std::vector<float> scores(static_cast<std::size_t>(items));
    for (std::size_t q = block * kBlock; q < std::min(queries.size(), (block + 1) * kBlock); ++q) {
      model.score(queries[q].history, scores);
      ranks[q] = rank_among_all(scores, queries[q].target, queries[q].history);
    }
  });
  Quality quality;
  for (const int rank : ranks) {
    quality.ndcg10 += ndcg(rank, 10);
    quality.hr10 += hit_rate(rank, 10);
  }
  quality.ndcg10 /= static_cast<double>(ranks.size());
  quality.hr10 /= static_cast<double>(ranks.size());
  return quality;
}

Choice choose_settings(ItemModel& model, const ModelRow& row, const HeldOut& held_out, int items,
                       const std::function<void(const Settings&, const Quality&)>& note) {
  Choice best;
  for (const auto& [key, values] : row.grid) best.settings[key] = values.front();
  std::map<Settings, Quality> tried;
  const auto attempt = [&](const Settings& settings) {
    const auto known = tried.find(settings);
    if (known != tried.end()) return known->second;
    check_interrupt();
    model.configure(settings);
    const Quality quality = measure(model, held_out.queries, items);
    if (note) note(settings, quality);
    return tried[settings] = quality;
  };
  model.configure(best.settings);
  model.fit_to_choose(held_out.fit, items);
  best.validation = attempt(best.settings);
  for (int round = 0; round < 2; ++round)
    for (const auto& [key, values] : row.grid)
      for (const double value : values) {
        Settings candidate = best.settings;
        candidate[key] = value;
        const Quality quality = attempt(candidate);
        if (quality.ndcg10 > best.validation.ndcg10) {
          best.settings = candidate;
          best.validation = quality;
        }
      }
  best.tried = static_cast<int>(tried.size());
  model.configure(best.settings);
  return best;
}

}  // namespace euterpe
