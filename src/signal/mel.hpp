#pragma once
/// Mel spectrogram, decibels and MFCC with librosa's definitions and defaults.
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "signal/matrix.hpp"
#include "signal/stft.hpp"

namespace euterpe {

struct MelOptions {
  int n_mels = 128;
  double fmin = 0;         ///< Hz
  double fmax = 0;         ///< Hz, 0 = half the sample rate
  bool htk = false;        ///< HTK's mel scale, 2595 log10(1 + f / 700), in place of Slaney's
  bool equal_area = true;  ///< filters of equal area (norm="slaney"); else each has 1 at its top (norm=None)
};

/// Slaney's Auditory Toolbox (1998), linear below 1 kHz and logarithmic above; or HTK's scale.
double hz_to_mel(double hz, bool htk = false);
double mel_to_hz(double mel, bool htk = false);

/// Triangular filters: [n_mels × n_fft/2 + 1], hop 0. Throws Error{usage} for n_mels < 1 or fmin not below fmax.
Matrix mel_filterbank(int sample_rate, int n_fft, const MelOptions& options = {});

/// The same filters, of which each knows only its own bins. Immutable, so threads may share it.
class MelFilters {
 public:
  MelFilters(int sample_rate, int n_fft, const MelOptions& options = {});
  std::size_t size() const { return filters_.size(); }
  /// strip: [n_fft/2 + 1 × kLanes] as StftStrips has it; mel: [n_mels × kLanes], 64-byte aligned too.
  void apply(const float* strip, float* mel) const;
  /// The same for all frames of a spectrogram.
  Matrix apply(const Matrix& power) const;

 private:
  struct Filter {
    std::size_t first, count, at;  // its bins and where its weights begin
  };
  std::vector<Filter> filters_;
  std::vector<float> weights_;
};

/// power: [n_fft/2 + 1 × frames] from power_spectrogram (librosa's power=2) or the magnitude (power=1);
/// result [n_mels × frames].
Matrix mel_spectrogram(const Matrix& power, int sample_rate, const MelOptions& options = {});

/// The same from the samples in one pass that keeps no spectrogram in between.
Matrix mel_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& stft = {},
                       const MelOptions& options = {});

/// For power_to_db: nothing is cut off at the bottom, so that a frame's value does not depend on other frames.
constexpr double kNoFloor = std::numeric_limits<double>::infinity();

/// 10 log10(max(x, 1e-10) / max(ref, 1e-10)), nothing lower than `top_db` below the greatest value of the whole.
Matrix power_to_db(Matrix power, double ref = 1.0, double top_db = 80);
/// The same of x²: 20 log10(max(x, 1e-5) / max(ref, 1e-5)).
Matrix amplitude_to_db(Matrix amplitude, double ref = 1.0, double top_db = 80);

/// The first `count` rows of the orthonormal DCT-II of each column: MFCC of a mel spectrogram in decibels. (librosa's
/// mfcc(y) takes power_to_db(mel) with its floor 80 dB below the loudest band of the whole recording.)
Matrix mfcc(const Matrix& mel_db, int count = 20);

/// Rows of the orthonormal DCT-II: [count × n].
Matrix dct_basis(std::size_t count, std::size_t n);

}  // namespace euterpe
