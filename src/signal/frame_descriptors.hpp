#pragma once
/// Every frame-wise descriptor of a recording from one pass over its spectrogram.
#include <memory>
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// 22,050 Hz, 2,048-sample Hann frames every 512 samples, as librosa's defaults; all series have the same length.
struct FrameDescriptors {
  static constexpr int kSampleRate = 22050, kFrameLength = 2048, kHop = 512;
  static constexpr double kHopSeconds = static_cast<double>(kHop) / kSampleRate;
  static constexpr int kMfcc = 20, kContrast = 7, kBands = 8;

  Matrix mfcc;      ///< [20 × frames]
  Matrix chroma;    ///< [12 × frames], greatest value of a frame = 1
  Matrix contrast;  ///< [7 × frames], dB
  Matrix bands;     ///< [8 × frames], mean level in dB of 16 neighboring mel bands each, low to high
  std::vector<float> centroid, bandwidth, rolloff;  ///< Hz
  std::vector<float> flatness, rms, zero_crossings, onset;
  double tuning = 0;   ///< fraction of a semitone away from A = 440 Hz
  double seconds = 0;  ///< length of the audio

  std::size_t frames() const { return centroid.size(); }
};

/// Takes mono audio at 22,050 Hz in pieces of any length. Audio is described in segments of kSegmentFrames, so that
/// memory is bounded: about 50 MB for the segment at work, and 9 KB a second for what is kept. Within a segment the
/// values are librosa's; dB floors, tuning and the onsets' first frames are those of the segment, not of the whole.
class FrameDescriber {
 public:
  static constexpr std::size_t kSegmentFrames = 5168;  ///< two minutes

  FrameDescriber();
  ~FrameDescriber();
  FrameDescriber(FrameDescriber&&) noexcept;
  /// Full scale ±1. NaN and infinity count as silence.
  void push(std::span<const float> mono);
  /// The descriptors of all that was pushed, at least one frame; the describer is then spent.
  FrameDescriptors finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

FrameDescriptors frame_descriptors(std::span<const float> mono22050);

}  // namespace euterpe
