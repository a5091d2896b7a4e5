#pragma once
/// What YIN and pYIN look at: how much each frame differs from itself one period on, for every period.
#include <memory>
#include <span>

#include "signal/pitch.hpp"

namespace euterpe {

/// d'(τ) of de Cheveigné and Kawahara (2002), eq. 8, frame after frame, in double precision and with the float32 energy
/// terms of librosa, whose rounding can decide whether a dip lies below a threshold.
class YinDifference {
 public:
  /// Throws Error{usage} as YinOptions says. Samples that are no number count as 0.
  YinDifference(std::span<const float> samples, int sample_rate, const YinOptions& options);
  ~YinDifference();

  std::size_t frames() const;
  double hop_seconds() const;
  int min_period() const;
  /// The next frame's values for the periods min_period(), min_period() + 1 …; they stand until the next call.
  std::span<const double> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether d[i] is lower than its left neighbor and not higher than its right one; the ends have one neighbor.
inline bool is_trough(std::span<const double> d, std::size_t i) {
  if (i == 0) return d[0] < d[1];
  return d[i] < d[i - 1] && (i + 1 == d.size() || d[i] <= d[i + 1]);
}

/// How far the vertex of the parabola through d[i − 1 … i + 1] lies from i, 0 where that is a sample or more.
double parabolic_shift(std::span<const double> d, std::size_t i);

}  // namespace euterpe
