#pragma once
/// Beats by dynamic programming (Ellis 2007, "Beat tracking by dynamic programming"), as librosa.beat.beat_track has
/// it.
#include <cstddef>
#include <span>
#include <vector>

namespace euterpe {

struct BeatTrackOptions {
  double start_bpm = 120;  ///< center of the tempo's prior
  double tightness = 100;  ///< how strictly beats keep to the tempo, > 0
  bool trim = true;        ///< drop beats at both ends that no onset supports
  double bpm = 0;          ///< the tempo, > 0; 0 = found from the envelope (tempogram_tempo)
};

struct BeatFrames {
  double bpm = 0;                   ///< 0 if the envelope is silent or holds a NaN
  std::vector<std::size_t> frames;  ///< rising
};

/// One steady tempo, then the sequence of beats with the greatest sum of onset strength less tightness · log²(interval
/// / period). Needs the whole envelope. `envelope`: one value a frame; librosa takes the median over the bands
/// (onset_strength with BandAggregate::median). As in librosa, trimming takes the last supported beat along.
BeatFrames beat_track(std::span<const float> envelope, int sample_rate, int hop_length = 512,
                      const BeatTrackOptions& options = {});

}  // namespace euterpe
