#pragma once
/// Harmonic–percussive separation by median filters (Fitzgerald 2010) with librosa's definitions: a tone is a ridge
/// along time, a hit is a ridge along frequency, and a median keeps the one and removes the other.
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// The names and defaults of librosa.decompose.hpss. Throws Error{usage} outside of the ranges given.
struct HpssOptions {
  int kernel_harmonic = 31;    ///< frames under the median along time, 1 … 4095; 31 is much faster than any other
  int kernel_percussive = 31;  ///< bins under the median along frequency, 1 … 4095; as above
  double power = 2;            ///< exponent of the soft mask, > 0; infinity gives the hard mask
  double margin_harmonic = 1;  ///< how many times the percussive median the harmonic one must be, ≥ 1
  double margin_percussive = 1;
};

/// Both of the shape of the input. With margins of 1 they add up to it; otherwise a residual remains.
struct HarmonicPercussive {
  Matrix harmonic, percussive;
};

/// magnitude: [bins × frames], ≥ 0 (|STFT|, not its square), reflected at its edges. A frame of the result hangs on the
/// kernel_harmonic / 2 frames before and after it and on no others, so that a stream may be separated in pieces that
/// overlap by so many.
HarmonicPercussive hpss(const Matrix& magnitude, const HpssOptions& options = {});

struct HarmonicPercussiveAudio {
  std::vector<float> harmonic, percussive;  ///< as long as the input
};

/// The same of a recording (librosa.effects.hpss): STFT at its defaults, separation, and the inverse STFT of both parts
/// with the phases of the whole. It works through pieces of about half a minute, with the result of the whole: beside
/// the samples, memory does not grow with them.
HarmonicPercussiveAudio hpss(std::span<const float> samples, const HpssOptions& options = {});

}  // namespace euterpe
