#include "recommend/reach.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr double kSmallestBin = 50;  // responses in the top bin
constexpr double kGrowth = 1.2;      // of the next bin
constexpr std::size_t kResamples = 200;
constexpr std::size_t kDraws = 1000;

}  // namespace

ResponseModel::ResponseModel(std::vector<Response> responses, std::uint64_t seed) : seed_(seed) {
  std::sort(responses.begin(), responses.end(), [](const Response& a, const Response& b) {
    return a.affinity != b.affinity ? a.affinity > b.affinity : a.track < b.track;
  });
  std::map<int, std::size_t> numbers;
  std::size_t listens = 0, in_bin = 0;
  double size = kSmallestBin;
  for (const Response& response : responses) {
    // Bins are cut by number alone, never by outcome, and equal affinities stay together.
    const bool full = static_cast<double>(in_bin) >= size && response.affinity < floors_.back();
    if (floors_.empty() || full) {
      if (full) size *= kGrowth;
      floors_.push_back(response.affinity);
      in_bin = 0;
    }
    floors_.back() = response.affinity;
    ++in_bin;
    listens += response.listened;
    const std::size_t track = numbers.emplace(response.track, numbers.size()).first->second;
    if (track == tracks_.size()) tracks_.emplace_back();
    tracks_[track].push_back({floors_.size() - 1, response.listened});
  }
  if (listens < kFewest || tracks_.size() < 2)
    throw Error(Category::bad_input, "calibrate",
                fmt::format("{} listens of {} tracks are too few to learn from how affinity becomes listening", listens,
                            tracks_.size()),
                fmt::format("{} listens of 2 tracks or more are needed", kFewest));
  rate_ = static_cast<double>(listens) / static_cast<double>(responses.size());

  Random random(seed);
  for (std::size_t resample = 0; resample <= kResamples; ++resample) {
    std::vector<double> shown(floors_.size(), 0.), listened(floors_.size(), 0.);
    for (std::size_t t = 0; t < tracks_.size(); ++t)
      for (const Answer& answer : tracks_[resample == 0 ? t : random.below(tracks_.size())]) {
        shown[answer.bin] += 1;
        listened[answer.bin] += answer.listened;
      }
    (resample == 0 ? probabilities_ : resampled_.emplace_back()) = regress(shown, listened);
  }
}

std::size_t ResponseModel::bin_of(double affinity) const {
  const auto found = std::lower_bound(floors_.begin(), floors_.end(), affinity, std::greater<>());
  return std::min(static_cast<std::size_t>(found - floors_.begin()), floors_.size() - 1);
}

double ResponseModel::probability(double affinity) const { return probabilities_[bin_of(affinity)]; }

/// Pool adjacent violators: neighbours that rise are merged into their mean until all fall.
std::vector<double> ResponseModel::regress(const std::vector<double>& shown,
                                           const std::vector<double>& listened) const {
  struct Pool {
    double shown, listened;
    std::size_t bins;
    double rate() const { return listened / shown; }
  };
  std::vector<Pool> pools;
  for (std::size_t bin = 0; bin < shown.size(); ++bin) {
    pools.push_back({shown[bin] + 1, listened[bin] + rate_, 1});
    while (pools.size() > 1 && pools.back().rate() > pools[pools.size() - 2].rate()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().shown += last.shown;
      pools.back().listened += last.listened;
      pools.back().bins += last.bins;
    }
  }
  std::vector<double> rates;
  for (const Pool& pool : pools) rates.insert(rates.end(), pool.bins, pool.rate());
  return rates;
}

/// Variance of the tracks' factor: Σ ((O − E)² − V) ÷ Σ E², O listens, E expected and V their Bernoulli variance among
/// a track's best responses.
double ResponseModel::spread_at(std::size_t impressions) const {
  double excess = 0, squares = 0;
  for (const auto& track : tracks_) {
    double observed = 0, expected = 0, variance = 0;
    for (std::size_t i = 0; i < std::min(impressions, track.size()); ++i) {
      const double p = probabilities_[track[i].bin];
      observed += track[i].listened;
      expected += p;
      variance += p * (1 - p);
    }
    excess += (observed - expected) * (observed - expected) - variance;
    squares += expected * expected;
  }
  return squares > 0 ? std::max(0., excess / squares) : 0;
}

Reach ResponseModel::reach(std::span<const double> affinities) const {
  Reach result;
  if (affinities.empty()) return result;
  std::vector<std::size_t> bins;
  for (const double one : affinities) {
    bins.push_back(bin_of(one));
    result.expected += probabilities_[bins.back()];
  }
  const double variance = spread_at(affinities.size());
  result.spread = std::sqrt(variance);
  const double sigma = std::sqrt(std::log1p(variance));  // log-normal with mean 1 and that variance
  Random random = Random::stream(seed_, 1);
  std::vector<double> counts(kDraws, 0.);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    const auto& probabilities = resampled_[draw % kResamples];
    const double factor = std::exp(sigma * random.normal() - sigma * sigma / 2);
    for (const std::size_t bin : bins) counts[draw] += random.uniform() < factor * probabilities[bin];
  }
  std::sort(counts.begin(), counts.end());
  result.low = counts[kDraws / 40];
  result.high = counts[kDraws - 1 - kDraws / 40];
  return result;
}

}  // namespace euterpe
