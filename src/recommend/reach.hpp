#pragma once
/// From affinity to the probability of listening, and from there to how many will listen, with an interval that knows
/// what it does not know.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace euterpe {

/// One answer of the past: what the model thought of a listener and a track, and what the listener did.
struct Response {
  int track = 0;        ///< any number, the same for all responses to one track
  double affinity = 0;  ///< finite
  bool listened = false;
};

/// Listeners among those shown a track.
struct Reach {
  double expected = 0;       ///< sum of their probabilities
  double low = 0, high = 0;  ///< 95 % interval for the number that will be counted
  double spread = 0;  ///< tracks' own factor on their probabilities: its standard deviation around 1, 0 = none seen
};

/// Isotonic regression of listening on affinity (Barlow et al. 1972; Zadrozny and Elkan 2002), by the pool-adjacent-
/// violators algorithm over bins of affinity whose number of responses grows geometrically from the top, where
/// audiences are. One response at the overall rate is added to each bin, so that no probability is 0 for want of data.
class ResponseModel {
 public:
  static constexpr std::size_t kFewest = 20;  ///< listens below which nothing is said

  /// Error{bad_input} if fewer than kFewest of the responses are listens, or all are of one track.
  ResponseModel(std::vector<Response> responses, std::uint64_t seed);

  double probability(double affinity) const;  ///< 0–1, does not fall as affinity rises

  /// The interval is the 2.5th to 97.5th percentile of 1,000 simulated counts, each from a calibration on resampled
  /// tracks (bootstrap by clusters), a factor of the track's own and one Bernoulli draw a listener. The factor is
  /// log-normal with mean 1; its variance is what the counts of the calibration's tracks, at their own best
  /// `affinities.size()` responses, show beyond Bernoulli noise (method of moments).
  /// \param affinities of those shown
  Reach reach(std::span<const double> affinities) const;

 private:
  std::size_t bin_of(double affinity) const;
  std::vector<double> regress(const std::vector<double>& shown, const std::vector<double>& listened) const;
  double spread_at(std::size_t impressions) const;

  struct Answer {
    std::size_t bin = 0;
    bool listened = false;
  };
  std::vector<double> floors_;                  ///< lowest affinity of each bin, falling
  double rate_ = 0;                             ///< listens ÷ responses
  std::vector<std::vector<Answer>> tracks_;     ///< each by falling affinity
  std::vector<double> probabilities_;           ///< by bin, falling
  std::vector<std::vector<double>> resampled_;  ///< the same of each resampling of the tracks
  std::uint64_t seed_;
};

}  // namespace euterpe
