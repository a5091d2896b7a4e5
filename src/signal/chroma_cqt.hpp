#pragma once
/// Energy per pitch class from a constant-Q spectrogram, with librosa's definitions.
#include <span>

#include "signal/matrix.hpp"

namespace euterpe {

/// librosa.feature.chroma_cqt(C=…): [12 × frames], C first. `cqt`: magnitudes, lowest bin at `fmin` Hz; each pitch
/// class sums the bins_per_octave / 12 bins about it in every octave, then each frame is scaled so that its greatest
/// value is 1 (a silent one stays 0). bins_per_octave: a multiple of 12; librosa takes 36 unless told, whatever C was
/// made with.
Matrix chroma_from_cqt(const Matrix& cqt, int bins_per_octave = 36, double fmin = 32.70319566257483);

/// librosa.feature.chroma_cqt(y=…, res_type "polyphase"): seven octaves above C1 of 36 bins, tuned to the recording.
/// Throws as cqt_magnitude() does, which is below a rate of 8.4 kHz.
Matrix chroma_cqt(std::span<const float> samples, int sample_rate, int hop_length = 512);

/// Chroma energy normalized statistics (Müller and Ewert 2011; librosa.feature.chroma_cens): chroma_cqt as shares of
/// the frame's sum, in four steps of loudness, smoothed over 41 frames (Hann), each frame of Euclidean norm 1.
Matrix chroma_cens(std::span<const float> samples, int sample_rate, int hop_length = 512);

}  // namespace euterpe
