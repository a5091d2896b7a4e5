#pragma once
/// A small network that hears beats and downbeats in rhythm channels: onsets by register and changes of harmony.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "score/beat_track.hpp"

namespace euterpe {

/// What a listener taps to, one value a frame of kBeatHop seconds. The same nine channels are made from a recording
/// (signal/beat_tracking.hpp) and from a score's notes (score/beats.hpp).
struct RhythmChannels {
  static constexpr std::size_t kOnsets = 6;   ///< rise of energy by register, lowest first
  static constexpr std::size_t kChanges = 3;  ///< change of chroma in 0.4 s and in 1.2 s, of bass chroma in 0.4 s
  static constexpr std::size_t kCount = kOnsets + kChanges;
  std::vector<float> onsets[kOnsets];    ///< ≥ 0
  std::vector<float> changes[kChanges];  ///< 0 (the same harmony before and after) … 1
  std::size_t frames() const { return onsets[0].size(); }
};

constexpr double kBeatHop = 220.0 / 22050;  ///< seconds, near 100 frames a second

/// Chroma frames to change channels: 1 − cosine of the mean chroma `span` frames before and after each frame.
/// \param chroma [12 × n], pitch class by pitch class  \return n values 0–1
std::vector<float> chroma_change(const std::vector<float>& chroma, std::size_t n, std::size_t span);

/// One input of the network: the mean of a channel (channels kCount and kCount + 1: all low onsets, all other onsets)
/// over `width` frames that begin `offset` frames from here.
struct BeatInput {
  int channel, offset, width;
};
const std::vector<BeatInput>& beat_inputs();

/// [inputs × frames], input by input: what the network sees. Onsets are scaled by their mean over ± 5 s, so that
/// neither level nor dynamics matter.
std::vector<std::vector<float>> beat_network_rows(const RhythmChannels& channels);

/// Weights of one hidden layer (rectified) and three outputs (no beat, beat, downbeat), one byte a weight.
struct BeatNetwork {
  std::span<const std::int8_t> hidden;  ///< [units × inputs]
  std::span<const float> scale, bias;   ///< [units]: real weight = byte · scale
  std::span<const float> output;        ///< [3 × units + 1], the bias last in each row
  BeatLogOdds operator()(const RhythmChannels& channels) const;
};

}  // namespace euterpe
