#pragma once
/// How strongly each pitch sounds in a mix: harmonic summation over spectral peaks (Salamon and Gómez 2012, section
/// II).
#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "signal/stft.hpp"

namespace euterpe {

/// One frame's peaks and salience on a grid of 10 cents.
class MelodySalience {
 public:
  static constexpr int kSampleRate = 22050, kFrameLength = 4096, kHop = 512;
  static constexpr int kPerSemitone = 10, kHarmonics = 10;
  static constexpr int kLowestPeak = 28, kLowest = 43, kHighest = 96;             ///< MIDI pitches
  static constexpr std::size_t kPeakBins = (124 - kLowestPeak) * kPerSemitone;    ///< peaks: E1 … E9
  static constexpr std::size_t kBins = (kHighest - kLowest) * kPerSemitone;       ///< salience: G2 … C7
  static constexpr std::size_t kOffset = (kLowest - kLowestPeak) * kPerSemitone;  ///< peak bin of salience bin 0

  MelodySalience();

  /// Looks at the frame around samples[center], zeros beyond the ends. peaks: kPeakBins values, salience: kBins.
  /// Returns the natural logarithm of the frame's energy.
  float analyze(std::span<const float> samples, std::size_t center, std::span<float> peaks, std::span<float> salience);

  /// Bins from a fundamental up to its h-th harmonic, h = 1 … kHarmonics.
  std::ptrdiff_t harmonic(int h) const { return shift_[static_cast<std::size_t>(h - 1)]; }

 private:
  void find_peaks(std::span<float> peaks) const;

  RealFft fft_;
  std::vector<float> window_, frame_, magnitude_, weight_;
  std::vector<std::complex<float>> spectrum_;
  std::vector<double> sum_;  ///< of the magnitudes below each bin
  std::vector<std::ptrdiff_t> shift_;
};

}  // namespace euterpe
