#pragma once
/// Tonal centroids.
#include "signal/matrix.hpp"

namespace euterpe {

/// Position of each frame's chroma on the circles of fifths (radius 1), minor thirds (1) and major thirds (½), sine
/// before cosine (Harte, Sandler and Gasser 2006; librosa.feature.tonnetz): [6 × frames] from [12 × frames] ≥ 0; 0 for
/// a silent frame.
Matrix tonnetz(const Matrix& chroma);

/// The same on one strip: [6 × kLanes] from [12 × kLanes], 64-byte aligned.
void tonnetz(const float* chroma, float* centroid);

}  // namespace euterpe
