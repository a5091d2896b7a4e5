#pragma once
/// Fundamental frequency of one voice: YIN (de Cheveigné and Kawahara 2002) and pYIN (Mauch and Dixon 2014) with
/// librosa's names, defaults and definitions.
#include <cstdint>
#include <span>
#include <vector>

namespace euterpe {

/// Throws Error{usage} unless 0 < fmin < fmax ≤ sample_rate / 2, win_length < frame_length ≤ 32768 and a period of fmax
/// fits beside the window.
struct YinOptions {
  double fmin = 65, fmax = 2093;  ///< Hz
  int frame_length = 2048;        ///< samples
  int win_length = 0;             ///< samples that are compared with their like one period on; 0 = frame_length / 2
  int hop_length = 0;             ///< samples; 0 = frame_length / 4
  double trough_threshold = 0.1;  ///< the first dip of the difference below it is the period (yin only)
  bool center = true;             ///< frame t centered on t · hop, the edges zero-padded
};

/// Hz for each frame, voiced or not. Each frame stands alone, so that a stream may be cut anywhere. A recording shorter
/// than a frame with center = false has none.
std::vector<float> yin(std::span<const float> samples, int sample_rate, const YinOptions& options = {});

struct PyinOptions : YinOptions {
  int n_thresholds = 100;              ///< steps of the prior over thresholds, 1 … 10000
  double beta_a = 2, beta_b = 18;      ///< that prior is a beta distribution, both > 0
  double boltzmann_parameter = 2;      ///< > 0: how much the shorter of two periods is preferred
  double resolution = 0.1;             ///< semitones a pitch bin, 0.01 … 1
  double max_transition_rate = 35.92;  ///< octaves a second
  double switch_prob = 0.01;           ///< of voice beginning or ending from one frame to the next, 0 … 1
  double no_trough_prob = 0.01;        ///< weight of the deepest dip where none is below a threshold, 0 … 1
};

struct PitchTrack {
  std::vector<float> f0;             ///< Hz, NaN where unvoiced
  std::vector<std::uint8_t> voiced;  ///< 1 or 0
  std::vector<float> probability;    ///< that the frame is voiced, 0–1, before smoothing
  double hop = 0;                    ///< seconds
};

/// The path through pitch candidates of all frames that is likeliest as a whole. A later sample may change an earlier
/// frame's pitch, so this one needs the whole recording. Memory beside it: 20 MB, and about 100 bytes a frame for the
/// candidates.
PitchTrack pyin(std::span<const float> samples, int sample_rate, const PyinOptions& options = {});

}  // namespace euterpe
