#include "signal/pitch_energy.hpp"

#include <cmath>
#include <vector>

#include "signal/chroma.hpp"
#include "signal/cqt.hpp"
#include "signal/stft.hpp"

namespace euterpe {

Matrix pitch_energy(std::span<const float> mono) {
  std::vector<float> clean(mono.begin(), mono.end());
  for (float& v : clean) {
    if (!std::isfinite(v)) v = 0;
  }
  StftOptions sparse;  // how an instrument is tuned does not change from frame to frame
  sparse.n_fft = 4096;
  sparse.hop_length = 2048;
  const double tuning = estimate_tuning(power_spectrogram(clean, kPitchEnergyRate, sparse), kPitchEnergyRate);

  constexpr int kThirds = 3;
  CqtOptions options;
  options.hop_length = kPitchEnergyHop;
  options.bins_per_octave = 12 * kThirds;
  options.n_bins = kThirds * kPitchEnergyCount;
  // A third of a semitone below the note, so that the three bins lie evenly about it.
  options.tuning = kThirds * tuning - 1;
  options.filter_scale = 2.0 / 3;
  const Matrix thirds = cqt_magnitude(clean, kPitchEnergyRate, options);

  Matrix result(kPitchEnergyCount, thirds.frames, thirds.hop);
  for (std::size_t p = 0; p < result.bins; ++p) {
    for (std::size_t t = 0; t < result.frames; ++t) {
      float sum = 0;
      for (std::size_t k = 0; k < kThirds; ++k) sum += thirds.at(kThirds * p + k, t) * thirds.at(kThirds * p + k, t);
      result.at(p, t) = std::sqrt(sum);
    }
  }
  return result;
}

}  // namespace euterpe
