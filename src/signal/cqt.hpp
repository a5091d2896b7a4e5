#pragma once
/// Constant-Q transform: a spectrogram whose bins are spaced as the notes are.
#include <span>

#include "signal/matrix.hpp"

namespace euterpe {

/// librosa.cqt's parameters of the same names, and its defaults.
struct CqtOptions {
  int hop_length = 512;
  double fmin = 32.70319566257483;  ///< Hz of the lowest bin: C1
  int n_bins = 84;
  int bins_per_octave = 12;
  double tuning = 0;        ///< added to fmin, in fractions of a bin
  double filter_scale = 1;  ///< below 1: shorter filters, sharper in time
};

/// |CQT| [n_bins × 1 + samples / hop_length], as abs(librosa.cqt(…, res_type="polyphase")): Hann-windowed filters of
/// norm 1, scaled by the root of their length, silence beyond the edges. Schörkhuber and Klapuri (2010): each octave's
/// filters are applied as sparse products with the FFT of its frames, then the signal is halved in rate for the octave
/// below, as long as the hop stays whole. sample_rate in Hz.
/// Throws Error{usage} when the highest filter reaches beyond half the sample rate or the lowest is longer than the
/// longest transform (65,536 samples, where an odd hop forbids to lower the rate).
Matrix cqt_magnitude(std::span<const float> samples, int sample_rate, const CqtOptions& options = {});

}  // namespace euterpe
