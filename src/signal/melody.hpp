#pragma once
/// The melody of a whole mix: the one line that a listener would sing.
#include <span>

#include "score/annotation.hpp"

namespace euterpe {

/// mono22050: samples at 22,050 Hz, full scale ±1; NaN and infinity count as silence.
MelodyTrack predominant_melody(std::span<const float> mono22050);

}  // namespace euterpe
