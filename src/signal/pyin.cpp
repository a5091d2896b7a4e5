#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/yin_difference.hpp"

namespace euterpe {
namespace {

constexpr double kTiny = std::numeric_limits<double>::min();  ///< stands for a probability of 0
const double kLogTiny = std::log(kTiny);
constexpr double kNever = -1e300;  ///< finite, for sums with it must stay ordered

/// The regularized incomplete beta function I_x(a, b), the continued fraction DLMF 8.17.22 by Lentz's method.
double beta_cdf(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - beta_cdf(1 - x, b, a);  // the fraction is quick below the mean only
  const double scale =
      std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b)) / a;
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m < 10000; ++m) {
    for (const double term : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                              -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
      d = 1 / (1 + term * d);
      c = 1 + term / c;
      value *= c * d;
    }
    if (std::abs(c * d - 1) < 1e-16) break;
  }
  return scale * value;
}

/// Candidates of all frames: of frame t those of index first[t] … first[t + 1] − 1, each a voiced pitch bin.
struct Observations {
  std::vector<std::size_t> first{0};
  std::vector<std::uint16_t> bins;
  std::vector<double> log_probability;
  std::vector<double> log_unvoiced;  ///< of each frame, the same for each unvoiced bin
  std::vector<float> voiced_probability;
};

/// Candidates of one frame: dips of the difference function, each with the share of the thresholds that would choose
/// it.
class CandidateFinder {
 public:
  explicit CandidateFinder(const PyinOptions& o) : options_(o), thresholds_(static_cast<std::size_t>(o.n_thresholds)) {
    double below = 0;
    for (std::size_t k = 0; k < thresholds_.size(); ++k) {
      thresholds_[k] = k + 1 == thresholds_.size() ? 1 : static_cast<double>(k + 1) * (1.0 / o.n_thresholds);
      const double cdf = beta_cdf(thresholds_[k], o.beta_a, o.beta_b);
      prior_.push_back(cdf - below);
      below = cdf;
    }
  }

  struct Candidate {
    std::size_t index = 0;   ///< into the difference function
    std::size_t passes = 0;  ///< the first threshold above it
    double height = 0, probability = 0;
  };

  const std::vector<Candidate>& find(std::span<const double> d) {
    found_.clear();
    steps_.assign(1, thresholds_.size());
    for (std::size_t i = 0; i < d.size(); ++i) {
      if (!is_trough(d, i)) continue;
      const auto passes = static_cast<std::size_t>(std::ranges::upper_bound(thresholds_, d[i]) - thresholds_.begin());
      found_.push_back({i, passes, d[i], 0});
      steps_.push_back(passes);
    }
    if (found_.empty()) return found_;
    while (weight_.size() <= found_.size()) {
      const auto n = static_cast<double>(weight_.size());
      decay_.push_back(std::exp(-options_.boltzmann_parameter * n));
      weight_.push_back(std::expm1(-options_.boltzmann_parameter) / std::expm1(-options_.boltzmann_parameter * n));
    }
    // From one step to the next the same dips lie below the threshold; the shorter periods among them are preferred by
    // a truncated Boltzmann distribution of their rank.
    std::ranges::sort(steps_);
    for (std::size_t s = 0; s + 1 < steps_.size(); ++s) {
      if (steps_[s] == steps_[s + 1]) continue;
      double prior = 0;
      for (std::size_t k = steps_[s]; k < steps_[s + 1]; ++k) prior += prior_[k];
      prior *= weight_[s + 1];
      std::size_t rank = 0;
      for (Candidate& c : found_)
        if (c.passes <= steps_[s]) c.probability += prior * decay_[rank++];
    }
    Candidate& deepest = *std::ranges::min_element(found_, {}, &Candidate::height);
    double none_below = 0;
    for (std::size_t k = 0; k < deepest.passes; ++k) none_below += prior_[k];
    deepest.probability += options_.no_trough_prob * none_below;
    return found_;
  }

 private:
  PyinOptions options_;
  std::vector<double> thresholds_, prior_;
  std::vector<double> decay_, weight_;  ///< e^(−λ rank) and (1 − e^−λ) / (1 − e^(−λ n)) by n
  std::vector<Candidate> found_;
  std::vector<std::size_t> steps_;
};

Observations observe(YinDifference& difference, int sample_rate, const PyinOptions& o, std::size_t n_bins,
                     int bins_per_octave) {
  CandidateFinder finder(o);
  Observations all;
  for (std::size_t frame = 0; frame < difference.frames(); ++frame) {
    const std::span<const double> d = difference.next();
    for (const auto& c : finder.find(d)) {
      if (!(c.probability > 0)) continue;
      const double period = difference.min_period() + static_cast<double>(c.index) + parabolic_shift(d, c.index);
      const double bin = std::nearbyint(bins_per_octave * std::log2(sample_rate / period / o.fmin));
      const auto at = static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(n_bins)));
      if (at == n_bins) continue;  // too high
      if (all.bins.size() > all.first.back() && all.bins.back() == at) {
        all.log_probability.back() = c.probability;
      } else {
        all.bins.push_back(static_cast<std::uint16_t>(at));
        all.log_probability.push_back(c.probability);
      }
    }
    double voiced = 0;
    for (std::size_t i = all.bins.size(); i > all.first.back(); --i) {
      double& p = all.log_probability[i - 1];
      voiced += p;
      p = std::log(p + kTiny);
    }
    voiced = std::min(voiced, 1.0);
    all.voiced_probability.push_back(static_cast<float>(voiced));
    all.log_unvoiced.push_back(std::log((1 - voiced) / static_cast<double>(n_bins) + kTiny));
    all.first.push_back(all.bins.size());
  }
  return all;
}

/// best[j] = max over m < width of from[j + m] + kernel[m]; n a multiple of 32, `from` has n + width − 1 values.
EUTERPE_HOT void max_plus(const double* from, const double* kernel, std::size_t width, std::size_t n, double* best) {
  using Lanes = double __attribute__((vector_size(64)));
  for (std::size_t j = 0; j < n; j += 32) {
    Lanes greatest[4];
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 4; ++k) greatest[k] = Lanes{} + kNever;
    for (std::size_t m = 0; m < width; ++m) {
#pragma GCC unroll 4
      for (std::size_t k = 0; k < 4; ++k) {
        Lanes v;
        __builtin_memcpy(&v, from + j + m + 8 * k, sizeof v);
        v += kernel[m];
        greatest[k] = v > greatest[k] ? v : greatest[k];
      }
    }
    __builtin_memcpy(best + j, greatest, sizeof greatest);
  }
}

/// The likeliest path through pitch bins, voiced (states 0 … n − 1) and unvoiced (n … 2n − 1). A step moves by a
/// triangular distribution over near bins; to anywhere else its probability is kTiny, not 0, as librosa has it. All
/// values are logarithms, the greatest of a frame 0.
class PitchViterbi {
 public:
  PitchViterbi(std::size_t n, std::size_t width, double switch_prob)
      : n_(n), width_(width), left_((width - 1) - ((width - 1) / 2 + (width % 2 == 0 && n % 2 == 1 ? 1 : 0))) {
    // A row of the transition matrix loses what reaches beyond its ends and is scaled to a sum of 1.
    for (std::size_t k = 0; k < width; ++k) {
      const auto from_end = static_cast<double>(std::min(k, width - 1 - k));
      const auto w = static_cast<double>(width);
      kernel_.push_back(std::log(width % 2 == 0 ? (2 * from_end + 1) / w : 2 * (from_end + 1) / (w + 1)));
    }
    for (std::size_t from = 0; from < n; ++from) {
      double sum = 0;
      for (std::size_t m = 0; m < width; ++m) {
        const std::size_t to = from + left_ - m;
        if (to < n) sum += std::exp(kernel_[m]);
      }
      log_norm_.push_back(std::log(sum));
    }
    stay_ = switch_prob < 1 ? std::log(1 - switch_prob) : kNever;
    change_ = switch_prob > 0 ? std::log(switch_prob) : kNever;
    const std::size_t padded = (n + 31) / 32 * 32;
    for (auto* from : {&from_voiced_, &from_unvoiced_}) from->assign(padded + width - 1, kNever);
    for (auto* best : {&best_voiced_, &best_unvoiced_}) best->resize(padded);
  }

  /// The bin of each frame, n added where it is unvoiced. Values are kept for one segment and for the first frame of
  /// each; the way back computes each segment again and asks for the best predecessor of the states on the path only.
  std::vector<std::uint32_t> decode(const Observations& seen) {
    const std::size_t frames = seen.log_unvoiced.size(), states = 2 * n_;
    std::vector<std::uint32_t> path(frames);
    if (frames == 0) return path;
    const std::size_t segment = std::min(std::max<std::size_t>(kSegmentValues / states, 16), frames);
    std::vector<double> values(segment * states), first((frames + segment - 1) / segment * states);
    const auto fill = [&](std::size_t begin) {
      std::copy_n(&first[begin / segment * states], states, values.data());
      for (std::size_t t = begin + 1; t < std::min(begin + segment, frames); ++t)
        step(&values[(t - 1 - begin) * states], seen, t, &values[(t - begin) * states]);
    };
    start(seen, first.data());
    fill(0);
    for (std::size_t begin = segment; begin < frames; begin += segment) {
      step(&values[(segment - 1) * states], seen, begin, &first[begin / segment * states]);
      fill(begin);
    }
    std::size_t begin = (frames - 1) / segment * segment;
    const double* last = &values[(frames - 1 - begin) * states];
    path.back() = static_cast<std::uint32_t>(std::max_element(last, last + states) - last);
    for (std::size_t t = frames - 1; t > 0; --t) {
      if (t - 1 < begin) fill(begin -= segment);
      path[t - 1] = predecessor(&values[(t - 1 - begin) * states], path[t]);
    }
    return path;
  }

 private:
  static constexpr std::size_t kSegmentValues = std::size_t{1} << 21;  ///< 16 MB

  /// value[s] += log P(frame t | s), then all lowered by the greatest.
  void add_observation(const Observations& seen, std::size_t t, double* value) const {
    for (std::size_t i = seen.first[t]; i < seen.first[t + 1]; ++i)
      value[seen.bins[i]] += seen.log_probability[i] - kLogTiny;
    double greatest = kNever;
    for (std::size_t j = 0; j < n_; ++j) {
      value[j] += kLogTiny;
      value[n_ + j] += seen.log_unvoiced[t];
      greatest = std::max({greatest, value[j], value[n_ + j]});
    }
    for (std::size_t j = 0; j < 2 * n_; ++j) value[j] -= greatest;
  }

  void start(const Observations& seen, double* value) const {
    std::fill_n(value, n_, kLogTiny);
    std::fill_n(value + n_, n_, -std::log(static_cast<double>(n_)));
    add_observation(seen, 0, value);
  }

  void step(const double* from, const Observations& seen, std::size_t t, double* to) {
    for (std::size_t i = 0; i < n_; ++i) {
      from_voiced_[left_ + i] = from[i] - log_norm_[i];
      from_unvoiced_[left_ + i] = from[n_ + i] - log_norm_[i];
    }
    max_plus(from_voiced_.data(), kernel_.data(), width_, best_voiced_.size(), best_voiced_.data());
    max_plus(from_unvoiced_.data(), kernel_.data(), width_, best_unvoiced_.size(), best_unvoiced_.data());
    for (std::size_t j = 0; j < n_; ++j) {
      const double v = best_voiced_[j], u = best_unvoiced_[j];
      to[j] = std::max({v + stay_, u + change_, kLogTiny});
      to[n_ + j] = std::max({v + change_, u + stay_, kLogTiny});
    }
    add_observation(seen, t, to);
  }

  /// The first of the states that lead best to `state`.
  std::uint32_t predecessor(const double* from, std::uint32_t state) const {
    const bool voiced = state < n_;
    const std::size_t bin = voiced ? state : state - n_;
    double greatest = kNever;
    std::size_t best = 0;
    for (const bool from_voiced : {true, false}) {
      const double* value = from_voiced ? from : from + n_;
      const double change = from_voiced == voiced ? stay_ : change_;
      for (std::size_t m = 0; m < width_; ++m) {
        const std::size_t i = bin + m - left_;
        if (i >= n_) continue;
        const double v = value[i] - log_norm_[i] + kernel_[m] + change;
        if (v > greatest) {
          greatest = v;
          best = from_voiced ? i : n_ + i;
        }
      }
    }
    if (greatest < kLogTiny) best = static_cast<std::size_t>(std::max_element(from, from + 2 * n_) - from);
    return static_cast<std::uint32_t>(best);
  }

  std::size_t n_, width_, left_;  ///< the bin j is reached through kernel_[m] from the bin j + m − left_
  std::vector<double> kernel_, log_norm_;
  double stay_ = 0, change_ = 0;
  std::vector<double> from_voiced_, from_unvoiced_, best_voiced_, best_unvoiced_;
};

void check(const PyinOptions& o) {
  const auto require = [](bool ok, const char* name, double value, const char* range) {
    if (!ok) throw Error(Category::usage, "pyin", fmt::format("{} is {}", name, value), fmt::format("give {}", range));
  };
  require(o.n_thresholds >= 1 && o.n_thresholds <= 10000, "n_thresholds", o.n_thresholds, "1 to 10000");
  require(o.beta_a > 0 && o.beta_a <= 1000, "beta_a", o.beta_a, "a number above 0, at most 1000");
  require(o.beta_b > 0 && o.beta_b <= 1000, "beta_b", o.beta_b, "a number above 0, at most 1000");
  require(o.boltzmann_parameter > 0, "boltzmann_parameter", o.boltzmann_parameter, "a number above 0");
  require(o.resolution >= 0.01 && o.resolution <= 1, "resolution", o.resolution, "0.01 to 1 semitone");
  require(o.max_transition_rate >= 0 && o.max_transition_rate <= 1000, "max_transition_rate", o.max_transition_rate,
          "0 to 1000 octaves a second");
  require(o.switch_prob >= 0 && o.switch_prob <= 1, "switch_prob", o.switch_prob, "0 to 1");
  require(o.no_trough_prob >= 0 && o.no_trough_prob <= 1, "no_trough_prob", o.no_trough_prob, "0 to 1");
}

}  // namespace

PitchTrack pyin(std::span<const float> samples, int sample_rate, const PyinOptions& options) {
  check(options);
  const int bins_per_semitone = static_cast<int>(std::ceil(1 / options.resolution)), octave = 12 * bins_per_semitone;
  PitchTrack track;
  YinDifference difference(samples, sample_rate, options);
  track.hop = difference.hop_seconds();
  const std::size_t n = static_cast<std::size_t>(octave * std::log2(options.fmax / options.fmin)) + 1;
  if (n > std::numeric_limits<std::uint16_t>::max())
    throw Error(Category::usage, "pyin", fmt::format("fmin to fmax are {} pitch bins", n), "at most 65535; raise fmin");
  const Observations seen = observe(difference, sample_rate, options, n, octave);
  const double semitones = std::nearbyint(options.max_transition_rate * 12 * track.hop);
  const auto width = static_cast<std::size_t>(std::min(semitones * bins_per_semitone, static_cast<double>(2 * n))) + 1;
  const std::vector<std::uint32_t> path = PitchViterbi(n, width, options.switch_prob).decode(seen);
  track.probability = seen.voiced_probability;
  for (const std::uint32_t state : path) {
    const bool voiced = state < n;
    track.voiced.push_back(voiced);
    track.f0.push_back(voiced ? static_cast<float>(options.fmin * std::exp2(static_cast<double>(state) / octave))
                              : std::numeric_limits<float>::quiet_NaN());
  }
  return track;
}

}  // namespace euterpe
