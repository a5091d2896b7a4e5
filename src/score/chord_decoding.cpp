#include "score/chord_decoding.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/error.hpp"

namespace euterpe {
namespace {

using Row = std::vector<double>;

double largest(const Row& row) { return *std::max_element(row.begin(), row.end()); }

void normalize(Row& row) {
  double sum = 0;
  for (const double v : row) sum += v;
  for (double& v : row) v /= sum;
}

/// The chain of the evidence: probabilities of staying and of going to another chord.
class Chain {
 public:
  explicit Chain(const ChordEvidence& evidence)
      : e_(evidence), units_(evidence.times.size() - 1), states_(evidence.states.size()) {
    if (e_.transition.empty()) return;
    change_.resize(states_ * states_);
    for (std::size_t i = 0; i < states_ * states_; ++i) change_[i] = std::exp(static_cast<double>(e_.transition[i]));
  }

  std::vector<std::size_t> viterbi() const {
    Row score(states_), next(states_);
    for (std::size_t s = 0; s < states_; ++s) score[s] = e_.log_likelihood[s];
    std::vector<std::uint16_t> from(units_ * states_);
    for (std::size_t t = 1; t < units_; ++t) {
      const double cost = e_.change_cost[t];
      const auto leader = static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin());
      for (std::size_t s = 0; s < states_; ++s) {
        double best = score[s];
        std::size_t source = s;
        if (e_.transition.empty()) {
          if (score[leader] - cost > best) best = score[leader] - cost, source = leader;
        } else {
          for (std::size_t r = 0; r < states_; ++r) {
            const double way = score[r] - cost + e_.transition[r * states_ + s];
            if (r != s && way > best) best = way, source = r;
          }
        }
        next[s] = best + e_.log_likelihood[t * states_ + s];
        from[t * states_ + s] = static_cast<std::uint16_t>(source);
      }
      const double top = largest(next);
      for (std::size_t s = 0; s < states_; ++s) score[s] = next[s] - top;
    }
    std::vector<std::size_t> path(units_);
    path.back() = static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin());
    for (std::size_t t = units_ - 1; t > 0; --t) path[t - 1] = from[t * states_ + path[t]];
    return path;
  }

  /// [T × S] probability of each chord in each unit given all evidence.
  std::vector<double> posterior() const {
    std::vector<double> forward(units_ * states_);
    Row belief(states_, 1.0);
    for (std::size_t t = 0; t < units_; ++t) {
      if (t > 0) belief = step(belief, t, false);
      weigh(belief, t);
      std::copy(belief.begin(), belief.end(), forward.begin() + static_cast<std::ptrdiff_t>(t * states_));
    }
    Row future(states_, 1.0);
    for (std::size_t t = units_; t-- > 0;) {
      Row joint(states_);
      // The floor keeps a unit whose every product underflows from becoming 0/0.
      for (std::size_t s = 0; s < states_; ++s) joint[s] = forward[t * states_ + s] * future[s] + 1e-280;
      normalize(joint);
      std::copy(joint.begin(), joint.end(), forward.begin() + static_cast<std::ptrdiff_t>(t * states_));
      if (t == 0) break;
      weigh(future, t);
      future = step(future, t, true);
      normalize(future);
    }
    return forward;
  }

 private:
  /// Multiplies by the likelihood of unit t and normalizes.
  void weigh(Row& row, std::size_t t) const {
    const float* evidence = &e_.log_likelihood[t * states_];
    const double top = *std::max_element(evidence, evidence + states_);
    for (std::size_t s = 0; s < states_; ++s) row[s] = row[s] * std::exp(evidence[s] - top) + 1e-280;
    normalize(row);
  }

  /// From unit t − 1 to t, or back.
  Row step(const Row& row, std::size_t t, bool back) const {
    const double change = std::exp(-static_cast<double>(e_.change_cost[t]));
    Row out(row);
    if (change_.empty()) {
      double sum = 0;
      for (const double v : row) sum += v;
      for (std::size_t s = 0; s < states_; ++s) out[s] += change * (sum - row[s]);
      return out;
    }
    for (std::size_t r = 0; r < states_; ++r) {
      const double* weights = &change_[r * states_];
      if (back) {
        double sum = 0;
        for (std::size_t s = 0; s < states_; ++s) sum += weights[s] * row[s];
        out[r] += change * (sum - weights[r] * row[r]);
      } else {
        const double mass = change * row[r];
        for (std::size_t s = 0; s < states_; ++s) out[s] += mass * weights[s];
        out[r] -= mass * weights[r];
      }
    }
    for (double& v : out) v = std::max(v, 0.0);
    return out;
  }

  const ChordEvidence& e_;
  std::size_t units_, states_;
  std::vector<double> change_;  ///< exp(transition)
};

}  // namespace

std::vector<ChordSegment> decode_chords(const ChordEvidence& evidence) {
  if (evidence.times.size() < 2) return {};
  const std::size_t units = evidence.times.size() - 1, states = evidence.states.size();
  EUTERPE_ASSERT(states > 0 && states <= std::numeric_limits<std::uint16_t>::max());
  EUTERPE_ASSERT(evidence.log_likelihood.size() == units * states && evidence.change_cost.size() == units);
  EUTERPE_ASSERT(evidence.transition.empty() || evidence.transition.size() == states * states);

  const Chain chain(evidence);
  const std::vector<std::size_t> path = chain.viterbi();
  const std::vector<double> posterior = chain.posterior();
  std::vector<int> classes(states);
  for (std::size_t s = 0; s < states; ++s) {
    const int of = majmin_class(evidence.states[s]);
    classes[s] = of >= 0 ? of : 25 + static_cast<int>(s);
  }
  std::vector<ChordSegment> segments;
  for (std::size_t t = 0; t < units; ++t) {
    double sure = 0;
    for (std::size_t s = 0; s < states; ++s)
      if (classes[s] == classes[path[t]]) sure += posterior[t * states + s];
    const double length = evidence.times[t + 1] - evidence.times[t];
    if (t == 0 || path[t] != path[t - 1])
      segments.push_back({evidence.times[t], evidence.times[t], evidence.states[path[t]], 0});
    segments.back().end = evidence.times[t + 1];
    segments.back().confidence += sure * length;
  }
  for (ChordSegment& s : segments)
    s.confidence = s.end > s.start ? std::clamp(s.confidence / (s.end - s.start), 0.0, 1.0) : 0;
  return segments;
}

std::vector<Chord> chord_states(const std::vector<ChordQuality>& qualities) {
  std::vector<Chord> states;
  for (int root = 0; root < 12; ++root)
    for (const ChordQuality quality : qualities) states.push_back({root, quality, 0});
  states.push_back({});
  return states;
}

}  // namespace euterpe
