#pragma once
/// One vector of fixed length that says how a recording sounds: what style recognition and "find similar" look at.
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"
#include "score/key.hpp"
#include "signal/frame_descriptors.hpp"
#include "signal/rhythm.hpp"

namespace euterpe {

/// Statistics over time of timbre (MFCC, spectral shape, contrast), dynamics, modulation of eight frequency bands,
/// rhythm (onsets, beat histogram, pulse) and harmony, in the order of audio_feature_names(). Harmony is seen from the
/// tonic, so that a transposed piece has the same vector. Finite for every input, silence and an empty one included.
/// audio: mono at 22,050 Hz (one channel; our own assertion otherwise).
std::vector<float> audio_features(const AudioBuffer& audio);
std::vector<float> audio_features(const FrameDescriptors& frames);
const std::vector<std::string>& audio_feature_names();

/// The key of a recording from its mean chroma.
KeyEstimate estimate_key(const FrameDescriptors& frames);

}  // namespace euterpe
