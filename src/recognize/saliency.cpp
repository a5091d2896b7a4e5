#include "recognize/saliency.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr int kRound = 8;          // masks between two looks at what was learned
constexpr double kCertain = 1e-9;  // a probability nearer than this to 0 or 1 says no more
constexpr std::array<double, 6> kNoise{0.003, 0.01, 0.03, 0.1, 0.3, 1.0};  // of the prior variance of a mask

using Mask = std::vector<std::uint8_t>;

double log_odds(double p) {
  p = std::clamp(std::isfinite(p) ? p : 0.0, kCertain, 1 - kCertain);
  return std::log(p / (1 - p));
}

/// Cholesky's factor of a symmetric matrix, lower triangle, in place.
void factor(std::vector<double>& a, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / a[j * n + j];
    }
  }
}

std::vector<double> solve(const std::vector<double>& l, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= l[i * n + k] * b[k];
    b[i] /= l[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= l[k * n + i] * b[k];
    b[i] /= l[i * n + i];
  }
  return b;
}

/// Weights of parts that are sums of one unknown for each group they belong to and one of their own.
class LinearModel {
 public:
  LinearModel(std::size_t parts, std::span<const Grouping> groupings) : parts_(parts), groupings_(groupings) {
    for (const Grouping& g : groupings) {
      EUTERPE_ASSERT(g.group.size() == parts && g.variance >= 0);
      first_.push_back(groups_);
      groups_ += parts > 0 ? *std::max_element(g.group.begin(), g.group.end()) + 1 : 0;
      variance_.resize(groups_, g.variance);
    }
  }

  void add(const Mask& mask, double fall) {
    std::vector<double> counts(groups_, 0.0);
    std::vector<std::uint32_t> members;
    for (std::size_t i = 0; i < parts_; ++i) {
      if (!mask[i]) continue;
      members.push_back(static_cast<std::uint32_t>(i));
      for (std::size_t g = 0; g < groupings_.size(); ++g) counts[first_[g] + groupings_[g].group[i]] += 1;
    }
    counts_.push_back(std::move(counts));
    members_.push_back(std::move(members));
    falls_.push_back(fall);
    std::vector<double> row;
    for (std::size_t k = 0; k < falls_.size(); ++k) row.push_back(covariance(k, mask));
    kernel_.push_back(std::move(row));
  }

  /// Chooses scale and noise and keeps what prediction needs.
  void fit() {
    const std::size_t n = falls_.size();
    double mean_diagonal = 0;
    for (std::size_t i = 0; i < n; ++i) mean_diagonal += kernel_[i][i] / static_cast<double>(n);
    double best = -std::numeric_limits<double>::infinity();
    for (const double share : kNoise) {
      std::vector<double> l(n * n);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) l[i * n + j] = kernel_[i][j] + (i == j ? share * mean_diagonal : 0);
      factor(l, n);
      auto alpha = solve(l, falls_);
      // With the scale at its best value, evidence is −½ (n log(yᵀK⁻¹y / n) + log|K|).
      double quadratic = 0, determinant = 0;
      for (std::size_t i = 0; i < n; ++i) {
        quadratic += falls_[i] * alpha[i];
        determinant += 2 * std::log(l[i * n + i]);
      }
      const double scale = std::max(quadratic / static_cast<double>(n), 1e-24);
      const double evidence = -0.5 * (static_cast<double>(n) * std::log(scale) + determinant);
      if (evidence <= best) continue;
      best = evidence;
      scale_ = std::sqrt(scale);
      noise_ = std::sqrt(share * mean_diagonal);
      factor_ = std::move(l);
      alpha_ = std::move(alpha);
    }
  }

  std::vector<double> mean() const { return gain(alpha_); }

  /// One draw of all weights given the masks so far (Matheron's rule: a draw of the prior, corrected).
  std::vector<double> draw(Random& random) const {
    std::vector<double> shared(groups_), weights(parts_);
    for (std::size_t g = 0; g < groups_; ++g) shared[g] = std::sqrt(variance_[g]) * random.normal() * scale_;
    for (std::size_t i = 0; i < parts_; ++i) {
      weights[i] = random.normal() * scale_;
      for (std::size_t g = 0; g < groupings_.size(); ++g) weights[i] += shared[first_[g] + groupings_[g].group[i]];
    }
    if (falls_.empty()) return weights;
    std::vector<double> missing = falls_;
    for (std::size_t k = 0; k < missing.size(); ++k) {
      for (const std::uint32_t i : members_[k]) missing[k] -= weights[i];
      missing[k] -= noise_ * scale_ * random.normal();
    }
    const auto correction = gain(solve(factor_, std::move(missing)));
    for (std::size_t i = 0; i < parts_; ++i) weights[i] += correction[i];
    return weights;
  }

 private:
  double covariance(std::size_t k, const Mask& mask) const {
    double sum = 0;
    for (std::size_t g = 0; g < groups_; ++g) sum += variance_[g] * counts_[k][g] * counts_.back()[g];
    for (const std::uint32_t i : members_[k]) sum += mask[i];
    return sum;
  }

  /// Prior covariance of the weights with the masks, times `alpha`.
  std::vector<double> gain(const std::vector<double>& alpha) const {
    std::vector<double> shared(groups_, 0.0), weights(parts_, 0.0);
    for (std::size_t k = 0; k < alpha.size(); ++k) {
      for (std::size_t g = 0; g < groups_; ++g) shared[g] += variance_[g] * counts_[k][g] * alpha[k];
      for (const std::uint32_t i : members_[k]) weights[i] += alpha[k];
    }
    for (std::size_t i = 0; i < parts_; ++i)
      for (std::size_t g = 0; g < groupings_.size(); ++g) weights[i] += shared[first_[g] + groupings_[g].group[i]];
    return weights;
  }

  std::size_t parts_, groups_ = 0;
  std::span<const Grouping> groupings_;
  std::vector<std::size_t> first_;
  std::vector<double> variance_;
  std::vector<std::vector<double>> counts_, kernel_;  // [masks][groups], [masks][masks up to itself]
  std::vector<std::vector<std::uint32_t>> members_;   // [masks][parts taken away]
  std::vector<double> falls_, alpha_, factor_;
  double scale_ = 1, noise_ = 0;
};

std::vector<std::size_t> heaviest(const std::vector<double>& weights, std::size_t count) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  order.resize(count);
  return order;
}

Mask mask_of(std::size_t parts, std::span<const std::size_t> chosen) {
  Mask mask(parts, 0);
  for (const std::size_t i : chosen) mask[i] = 1;
  return mask;
}

std::size_t share_of(std::size_t parts, double share) {
  EUTERPE_ASSERT(share > 0 && share < 1);
  const auto count = static_cast<std::size_t>(std::lround(share * static_cast<double>(parts)));
  return parts == 0 ? 0 : std::clamp<std::size_t>(count, 1, parts);
}

}  // namespace

Saliency find_saliency(std::size_t parts, std::span<const Grouping> groupings, const MaskedAnswer& answer,
                       const SaliencyOptions& options) {
  EUTERPE_ASSERT(options.passes >= 2);
  Saliency found;
  const auto whole = answer(Mask(parts, 0));
  EUTERPE_ASSERT(!whole.empty());
  found.passes = 1;
  found.label =
      options.label.value_or(static_cast<std::size_t>(std::max_element(whole.begin(), whole.end()) - whole.begin()));
  EUTERPE_ASSERT(found.label < whole.size());
  found.probability = whole[found.label];
  found.runner_up = found.label == 0 && whole.size() > 1 ? 1 : 0;
  for (std::size_t c = 0; c < whole.size(); ++c)
    if (c != found.label && whole[c] > whole[found.runner_up]) found.runner_up = c;
  found.runner_up_probability = whole[found.runner_up];
  if (parts == 0) return found;

  const std::size_t count = share_of(parts, options.share);
  const double before = log_odds(found.probability);
  LinearModel model(parts, groupings);
  Random random(options.seed);
  while (found.passes < options.passes) {
    check_interrupt();
    const auto n = static_cast<std::size_t>(std::min(kRound, options.passes - found.passes));
    std::vector<Mask> masks(n);
    for (Mask& mask : masks) mask = mask_of(parts, heaviest(model.draw(random), count));
    std::vector<double> falls(n);
    parallel_for(
        n, [&](std::size_t k) { falls[k] = before - log_odds(answer(masks[k])[found.label]); }, options.threads);
    for (std::size_t k = 0; k < n; ++k) model.add(masks[k], falls[k]);
    model.fit();
    found.passes += static_cast<int>(n);
  }
  found.weights = model.mean();
  found.salient = heaviest(found.weights, count);
  return found;
}

double random_fall(std::size_t parts, std::size_t label, double probability, const MaskedAnswer& answer, double share,
                   int draws, std::uint64_t seed) {
  const std::size_t count = share_of(parts, share);
  std::vector<std::size_t> order(parts);
  std::iota(order.begin(), order.end(), std::size_t{0});
  double sum = 0;
  for (int d = 0; d < draws; ++d) {
    Random::stream(seed, static_cast<std::uint64_t>(d)).shuffle(order);
    sum += probability - answer(mask_of(parts, std::span(order).first(count)))[label];
  }
  return draws > 0 ? sum / draws : 0;
}

}  // namespace euterpe
