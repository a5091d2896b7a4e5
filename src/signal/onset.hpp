#pragma once
/// Onset strength and onsets, with librosa's names, parameters and definitions. All times are frames.
#include <cstddef>
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// How the rises of all bands become one figure a frame: the mean (librosa.onset.onset_strength's default), or the
/// median, which a single loud band cannot move (what librosa's beat tracker and pulse listen to).
enum class BandAggregate { mean, median };

/// Rise of the mel bands in dB from frame to frame, falls counted as 0 (librosa.onset.onset_strength): one value ≥ 0 a
/// frame. `mel_db`: power_to_db of a mel spectrogram, [bands × frames]; `lead` frames of zeros stand first,
/// n_fft / (2 hop) + 1, for a centered frame hears an onset early.
std::vector<float> onset_strength(const Matrix& mel_db, std::size_t lead = 3,
                                  BandAggregate aggregate = BandAggregate::mean);

/// Frame n is a peak where it is the greatest of [n − pre_max, n + post_max), at least `delta` above the mean of
/// [n − pre_avg, n + post_avg), and more than `wait` frames after the peak before it (Böck, Krebs and Schedl 2012).
/// Windows end where the envelope ends.
struct PeakPickOptions {
  std::size_t pre_max = 1, post_max = 1;  ///< frames; post_max ≥ 1
  std::size_t pre_avg = 4, post_avg = 5;  ///< frames; post_avg ≥ 1
  std::size_t wait = 1;                   ///< frames
  float delta = 0.07f;                    ///< in units of the envelope
};

/// librosa.onset.onset_detect's defaults: 30 ms before and 0 ms after for the maximum, 100 ms for the mean, 30 ms wait.
PeakPickOptions onset_peak_options(int sample_rate, int hop_length = 512);

/// librosa.util.peak_pick: frames in rising order. A value of 0 is no peak.
std::vector<std::size_t> peak_pick(std::span<const float> x, const PeakPickOptions& options);

/// librosa.onset.onset_detect: peaks of the envelope scaled to 0 … 1. Empty if it is constant or holds a NaN.
std::vector<std::size_t> onset_detect(std::span<const float> envelope, const PeakPickOptions& options = {});

/// Each event moved back to the nearest minimum of `energy` at or before it, 0 if there is none (Jehan 2005).
std::vector<std::size_t> onset_backtrack(std::span<const std::size_t> events, std::span<const float> energy);

/// Sparser onsets, for counting notes rather than for cutting: the greatest within ± 30 ms, above the mean within
/// ± 100 ms by a fixed share of the envelope's standard deviation, and 30 ms after the one before.
std::vector<std::size_t> onset_frames(std::span<const float> envelope, double hop_seconds);

}  // namespace euterpe
