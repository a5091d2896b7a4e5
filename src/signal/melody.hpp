#pragma once
/// The melody of a whole mix: the one line that a listener would sing.
#include <span>

#include "score/annotation.hpp"

namespace euterpe {

/// Pitches that sound (harmonic summation over spectral peaks, Salamon and Gómez 2012), each scored by a small learned
/// network on how it stands among the others (strength, partials, height, age of its note), the likeliest path through
/// them, and voicing by how far that path stands out. Frames every 512 samples; a pitch lies between G2 (98 Hz) and C7,
/// so that a voice below is heard an octave too high. Learned from piano arrangements: elsewhere it is less sure.
///
/// Works through pieces of 36 s with 6 s of context on both sides: 13 MB beside the result, however long the recording.
/// mono22050: samples at 22,050 Hz, full scale ±1; NaN and infinity count as silence.
MelodyTrack predominant_melody(std::span<const float> mono22050);

}  // namespace euterpe
