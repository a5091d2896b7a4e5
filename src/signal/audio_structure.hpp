#pragma once
/// The form of a recording, from its harmony and its timbre.
#include <span>
#include <vector>

#include "score/annotation.hpp"
#include "score/structure.hpp"
#include "signal/frame_descriptors.hpp"

namespace euterpe {

/// One step a beat, half a second where there are fewer than two beats: mean chroma; as timbre MFCC 1–12, level in dB
/// and onset strength. `offset`: seconds that the frames' times are behind those of `beats`, for a recording taken in
/// parts.
StructureFeatures structure_features(const FrameDescriptors& frames, std::span<const Beat> beats, double offset = 0);

/// Passages of the recording; see segment_structure(). Needs the whole recording's features.
std::vector<StructureSegment> estimate_structure(const FrameDescriptors& frames, std::span<const Beat> beats);

}  // namespace euterpe
