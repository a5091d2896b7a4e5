#pragma once
/// Energy per pitch class from a spectrogram, with librosa's definitions.
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// Deviation from A = 440 Hz in fractions of one of `bins_per_octave` (12: a semitone), −0.5 … 0.49 in steps of 0.01:
/// the commonest one among the stronger half of the spectral peaks between 150 Hz and 4 kHz (librosa's piptrack and
/// pitch_tuning). 0 for silence. The whole recording votes, so that there is no streaming form.
/// `spectrum`: power, as chroma_stft has it, or magnitude, as librosa.estimate_tuning(y) has it.
double estimate_tuning(const Matrix& spectrum, int sample_rate, int bins_per_octave = 12);

/// Gaussian weight of each FFT bin for the 12 pitch classes, C first, stressed around the octaves of A4 (Ellis 2007):
/// [12 × n_fft/2 + 1].
Matrix chroma_filterbank(int sample_rate, int n_fft, double tuning);

/// Filters of one tuning. Immutable, so threads may share it.
class ChromaFilters {
 public:
  ChromaFilters(int sample_rate, int n_fft, double tuning);
  /// power: [n_fft/2 + 1 × kLanes] as StftStrips has it; chroma: [12 × kLanes], 64-byte aligned too.
  void apply(const float* power, float* chroma) const;

 private:
  std::vector<float> weights_;  // [n_fft/2 + 1 × 12]
};

/// [12 × frames] from a power spectrogram, each frame scaled so that its greatest value is 1 (a silent one stays 0).
Matrix chroma(const Matrix& power, int sample_rate, double tuning);

}  // namespace euterpe
