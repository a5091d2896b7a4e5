#pragma once
/// Per-channel energy normalization: what stays is what differs from the last moments of its own band.
#include <cstddef>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// librosa.pcen's parameters and defaults, which suit samples scaled to ± 2^31.
struct PcenOptions {
  double gain = 0.98;          ///< share of the smoothed level that is divided out, 0 … 1
  double bias = 2;             ///< > 0
  double power = 0.5;          ///< of the compression, > 0
  double time_constant = 0.4;  ///< seconds of smoothing
  double eps = 1e-6;           ///< > 0, keeps silence from being divided by 0
};

/// (S / (ε + M)^gain + bias)^power − bias^power with M(t) = (1 − s) M(t − 1) + s S(t), M = 1 before the first frame
/// (Wang et al. 2017, eq. 1 and 2). The state goes on from block to block: frames may come in any portions.
class Pcen {
 public:
  /// Throws Error{usage} for parameters out of range.
  Pcen(std::size_t bands, double hop_seconds, const PcenOptions& options = {});
  /// data: `bands` rows of `frames` values ≥ 0, row b at data + b · stride; replaced in place.
  void process(float* data, std::size_t frames, std::size_t stride);

 private:
  PcenOptions options_;
  double share_;               // s
  std::vector<double> level_;  // M of each band
  std::vector<float> smoothed_;
};

/// All frames of a mel (or other) spectrogram, [bands × frames].
Matrix pcen(Matrix power, const PcenOptions& options = {});

}  // namespace euterpe
