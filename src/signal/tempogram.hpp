#pragma once
/// Periodicity of an onset envelope over time, with librosa's names, parameters and definitions. `envelope` is one
/// value ≥ 0 a frame (onset_strength); frames stand hop_length / sample_rate seconds apart.
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// Autocorrelation tempogram (Grosche, Müller and Kurth 2010; librosa.feature.tempogram): [win_length × frames], row =
/// lag in frames. Each frame is the autocorrelation of `win_length` frames about it under a periodic Hann window,
/// scaled so that its greatest value is 1 (a silent one stays 0). Beyond its ends the envelope falls in a line to 0.
/// Needs the whole envelope in memory, and 4 · win_length bytes a frame for the result. win_length: 2 … 32768.
Matrix tempogram(std::span<const float> envelope, double hop_seconds, int win_length = 384);

struct TempoOptions {
  double start_bpm = 120;    ///< center of the prior, > 0
  double prior_octaves = 1;  ///< its standard deviation in log₂ bpm, > 0
  double window = 8;         ///< seconds of the autocorrelation's window
  double max_bpm = 320;      ///< no tempo at or above this one
};

/// librosa.feature.tempo: the lag with the greatest log(1 + 10⁶ · mean of the tempogram) + log-normal prior, in beats a
/// minute. The prior's own center where the envelope is silent.
/// estimate_tempo (signal/rhythm.hpp) judges by multiples of the beat and interpolates; this one has librosa's figures.
double tempogram_tempo(std::span<const float> envelope, int sample_rate, int hop_length = 512,
                       const TempoOptions& options = {});

struct PulseOptions {
  int win_length = 384;  ///< frames, even
  double min_bpm = 30, max_bpm = 300;
};

/// Predominant local pulse (Grosche and Müller 2011; librosa.beat.plp): the strongest periodicity of each frame's
/// Fourier tempogram, resynthesized and summed; its positive part scaled to a maximum of 1. One value a frame.
std::vector<float> predominant_local_pulse(std::span<const float> envelope, int sample_rate, int hop_length = 512,
                                           const PulseOptions& options = {});

}  // namespace euterpe
