#pragma once
/// Tempo of an onset envelope.
#include <span>
#include <vector>

#include "signal/onset.hpp"

namespace euterpe {

struct TempoEstimate {
  double bpm = 0;         ///< quarter notes a minute, 0 if there is no pulse
  double confidence = 0;  ///< 0–1: height of the envelope's autocorrelation at the beat (pulse clarity)
};

/// Autocorrelation of the onset envelope, weighted by a log-normal prior about 120 bpm (Ellis 2007). A candidate is
/// judged by its multiples too, so that half and double tempo, whose own peaks are as high, lose to the true one.
TempoEstimate estimate_tempo(std::span<const float> envelope, double hop_seconds);

/// Normalized autocorrelation r(lag) of the envelope less its mean, for lag 0 … max_lag; r(0) = 1, all 0 if constant.
std::vector<float> onset_autocorrelation(std::span<const float> envelope, std::size_t max_lag);

}  // namespace euterpe
