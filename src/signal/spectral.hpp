#pragma once
/// Shape of the spectrum and of the wave, frame by frame, with librosa's definitions. `power` is a power spectrogram
/// [n_fft/2 + 1 × frames]; librosa's measures of the magnitude take its root here.
#include <cstddef>
#include <span>
#include <vector>

#include "signal/lanes.hpp"
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

struct ContrastOptions {
  double fmin = 200;       ///< Hz: the first band ends and the first octave begins here
  int n_bands = 6;         ///< octaves above it
  double quantile = 0.02;  ///< share of a band's bins that make its peak and its valley, at least one
  double top_db = 80;      ///< depth of both below their greatest value of the whole recording; kNoFloor: of no concern
};

/// Level of peaks over valleys in dB, below fmin and in each octave (Jiang et al. 2002): [n_bands + 1 × frames].
/// Throws Error{usage} where a band begins above half the sample rate, as the default ones do below 12.8 kHz.
Matrix spectral_contrast(const Matrix& power, int sample_rate, const ContrastOptions& options = {});

/// Root mean square of frames of `frame_length` samples centered on t · hop_length, edges zero-padded.
std::vector<float> rms(std::span<const float> samples, int frame_length = 2048, int hop_length = 512);
/// Share of sample pairs with a change of sign in such frames, edges padded with the outermost sample.
std::vector<float> zero_crossing_rate(std::span<const float> samples, int frame_length = 2048, int hop_length = 512);

/// The same on one strip of kLanes frames (see StftStrips): `magnitude` and `power` are [bins × kLanes], a result
/// [kLanes], all 64-byte aligned. Each lane's numbers are those of the functions above.
namespace strip {

void spectral_centroid(const float* magnitude, std::size_t bins, double hz_per_bin, float* centroid);
void spectral_bandwidth(const float* magnitude, std::size_t bins, double hz_per_bin, const float* centroid,
                        float* bandwidth);
void spectral_rolloff(const float* magnitude, std::size_t bins, double hz_per_bin, double roll_percent, float* rolloff);
void spectral_flatness(const float* power, std::size_t bins, float* flatness);

/// The bands of the spectral contrast.
class Contrast {
 public:
  Contrast(int sample_rate, std::size_t bins, const ContrastOptions& options);
  std::size_t size() const { return bands_.size(); }
  /// Mean magnitude of the strongest and of the weakest bins of each band: both [size() × kLanes].
  void peaks_and_valleys(const float* magnitude, float* peak, float* valley);

 private:
  struct Band {
    std::size_t first, last, count;  // bins [first, last), of which `count` make an end
  };
  std::vector<Band> bands_;
  std::vector<lanes::Row> least_, greatest_;
};

/// Level of all peaks over all valleys in dB, both [size() × frames]; see ContrastOptions::top_db.
Matrix contrast_db(Matrix peak, Matrix valley, double top_db = 80);

}  // namespace strip

/// One frame of rms() and of zero_crossing_rate(), `frame` being the part of it that lies within the recording.
float rms_of(std::span<const float> frame, int frame_length);
float zero_crossings_of(std::span<const float> frame, int frame_length);

}  // namespace euterpe
