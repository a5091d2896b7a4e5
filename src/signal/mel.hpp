#pragma once
/// Mel spectrogram, decibels and MFCC with librosa's definitions and defaults.
#include "signal/matrix.hpp"

namespace euterpe {

struct MelOptions {
  int n_mels = 128;
  double fmin = 0;  ///< Hz
  double fmax = 0;  ///< Hz, 0 = half the sample rate
};

double hz_to_mel(double hz);  ///< Slaney's Auditory Toolbox (1998): linear below 1 kHz, logarithmic above
double mel_to_hz(double mel);

/// Triangular filters of equal area (norm="slaney"): [n_mels × n_fft/2 + 1], hop 0.
Matrix mel_filterbank(int sample_rate, int n_fft, const MelOptions& options = {});

/// power: [n_fft/2 + 1 × frames] from power_spectrogram; result [n_mels × frames].
Matrix mel_spectrogram(const Matrix& power, int sample_rate, const MelOptions& options = {});

/// 10 log10(max(x, 1e-10) / max(ref, 1e-10)), nothing lower than `top_db` below the greatest value.
Matrix power_to_db(Matrix power, double ref = 1.0, double top_db = 80);

/// The first `count` rows of the orthonormal DCT-II of each column: MFCC of a mel spectrogram in decibels.
Matrix mfcc(const Matrix& mel_db, int count = 20);

}  // namespace euterpe
