#pragma once
/// Change of a descriptor over time.
#include "signal/matrix.hpp"

namespace euterpe {

/// The derivative of degree `order` of a polynomial of that degree fitted to `width` frames around each (Savitzky and
/// Golay 1964; librosa.feature.delta with mode="interp"): order 1 gives deltas, 2 their deltas, per frame. The first
/// and last width/2 frames have the derivative of the outermost fit, so that the recording's end must be known. data:
/// [bins × frames], frames ≥ width; width: odd, ≥ 3, > order. Throws Error{usage} otherwise.
Matrix delta(const Matrix& data, int width = 9, int order = 1);

}  // namespace euterpe
