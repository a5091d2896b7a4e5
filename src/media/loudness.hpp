#pragma once
/// Loudness after EBU R 128 / ITU-R BS.1770-4, by libebur128.
#include "media/audio_buffer.hpp"

namespace euterpe {

struct Loudness {
  double integrated = 0;  ///< LUFS; −infinity for silence
  double range = 0;       ///< LU
  double true_peak = 0;   ///< dBTP; −infinity for silence
};
Loudness measure_loudness(const AudioBuffer& audio);

/// Gain that brings the audio to `target` LUFS without the true peak passing −1 dBTP; applied in place. Silence stays.
void normalize_loudness(AudioBuffer& audio, double target = -16.0);

}  // namespace euterpe
