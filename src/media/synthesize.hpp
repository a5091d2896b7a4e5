#pragma once
/// A Score played by FluidSynth with a General MIDI soundfont.
#include <filesystem>

#include "media/audio_buffer.hpp"
#include "score/score.hpp"

namespace euterpe {

struct SynthesisOptions {
  std::filesystem::path soundfont;  ///< empty: $EUTERPE_SOUNDFONT, else Debian's FluidR3_GM.sf2
  int sample_rate = 44100;          ///< Hz
  int channels = 2;                 ///< 1 or 2
  bool reverb = true;
  double tail = 1.5;  ///< seconds rendered after the last note
};

/// Throws Error{not_found} with the apt line when there is no soundfont. Thread-safe (one synthesizer per call).
AudioBuffer synthesize(const Score& score, const SynthesisOptions& options = {});

}  // namespace euterpe
