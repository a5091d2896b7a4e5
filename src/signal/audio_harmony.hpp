#pragma once
/// Chords and keys of a recording. All take mono audio at 22,050 Hz (full scale ±1; NaN and infinity count as silence)
/// of any length, also none.
#include <span>
#include <vector>

#include "score/annotation.hpp"
#include "score/key.hpp"

namespace euterpe {

struct AudioHarmony {
  /// From the first to the last sample without gaps, "N" where none sounds. Triads are judged by a network
  /// (signal/chord_model.hpp) and the most probable path through its answers; a seventh is named where it is more
  /// probable than the plain triad, a suspension where it is certain, an inversion where its bass lasts all through.
  std::vector<ChordSegment> chords;
  /// From the first to the last sample, neighbors differ; empty where no chord was heard.
  std::vector<KeySegment> keys;
  KeyEstimate key;  ///< the one that lasts longest; confidence 0 where no chord was heard
};

/// All three from one pass over the audio. Chords change most easily on the given beats, and on downbeats most of all;
/// without the argument the beats are tracked first (signal/beat_tracking.hpp). An empty list means that they are not
/// known.
AudioHarmony estimate_harmony(std::span<const float> mono22050, std::span<const Beat> beats);
AudioHarmony estimate_harmony(std::span<const float> mono22050);

std::vector<ChordSegment> estimate_chords(std::span<const float> mono22050);
std::vector<KeySegment> estimate_keys(std::span<const float> mono22050);
KeyEstimate estimate_global_key(std::span<const float> mono22050);

}  // namespace euterpe
