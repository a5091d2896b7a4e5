#pragma once
/// Shape of the spectrum and of the wave, frame by frame, with librosa's definitions. `power` is a power spectrogram
/// [n_fft/2 + 1 × frames]; librosa's measures of the magnitude take its root here.
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// Mean frequency of the magnitude, Hz; 0 for a silent frame.
std::vector<float> spectral_centroid(const Matrix& power, int sample_rate);
/// Standard deviation of the frequency about `centroid`, Hz.
std::vector<float> spectral_bandwidth(const Matrix& power, int sample_rate, std::span<const float> centroid);
/// Lowest frequency below which the share `roll_percent` of the magnitude lies, Hz.
std::vector<float> spectral_rolloff(const Matrix& power, int sample_rate, double roll_percent = 0.85);
/// Geometric over arithmetic mean of the power, 0 (a tone) … 1 (noise).
std::vector<float> spectral_flatness(const Matrix& power);
/// Level of peaks over valleys in dB for 7 bands: below 200 Hz, then octaves (Jiang et al. 2002): [7 × frames].
Matrix spectral_contrast(const Matrix& power, int sample_rate);

/// Root mean square of frames of `frame_length` samples centered on t · hop_length, edges zero-padded.
std::vector<float> rms(std::span<const float> samples, int frame_length = 2048, int hop_length = 512);
/// Share of sample pairs with a change of sign in such frames, edges padded with the outermost sample.
std::vector<float> zero_crossing_rate(std::span<const float> samples, int frame_length = 2048, int hop_length = 512);

}  // namespace euterpe
