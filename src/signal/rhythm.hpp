#pragma once
/// Onsets and tempo.
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// Mean rise of the mel bands in dB from frame to frame (librosa.onset.onset_strength). `mel_db`: power_to_db of a mel
/// spectrogram; `lead` frames of zeros stand first, n_fft / (2 hop) + 1, for a centered frame hears an onset early.
std::vector<float> onset_strength(const Matrix& mel_db, std::size_t lead = 3);

/// Frames where the envelope peaks: the greatest within ± 30 ms, above the mean within ± 100 ms by a fixed share of the
/// envelope's standard deviation, and 30 ms after the one before.
std::vector<std::size_t> onset_frames(std::span<const float> envelope, double hop_seconds);

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
