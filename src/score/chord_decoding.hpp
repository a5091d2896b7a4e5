#pragma once
/// From evidence per unit of time (beat, onset segment, frame) to a sequence of chords, for scores and recordings
/// alike.
#include <cstddef>
#include <vector>

#include "score/annotation.hpp"

namespace euterpe {

/// What was heard, T units of time by S chords.
struct ChordEvidence {
  std::vector<Chord> states;  ///< the S chords that can be found; a chord with root −1 stands for silence
  std::vector<double> times;  ///< T + 1 ascending boundaries, seconds: unit t lasts from times[t] to times[t + 1]
  std::vector<float> log_likelihood;  ///< [T × S] row-major, nats for the whole unit, up to a constant per unit; finite
  std::vector<float> change_cost;     ///< [T] nats ≥ 0 for another chord from times[t] on; element 0 is not used
  /// [S × S] row-major, log weight of going from the row's chord to the column's, given a change; the diagonal is not
  /// used. Rows need no normalization. Empty: all changes alike.
  std::vector<float> transition;
};

/// The most probable sequence (Viterbi), equal neighbors joined: segments from times.front() to times.back() without
/// gaps. A segment's confidence is the mean posterior (forward–backward) of its majmin class (of its chord where that
/// has none) over its time. Time and memory: O(T · S) without `transition`, O(T · S²) time with it. No units: nothing.
std::vector<ChordSegment> decode_chords(const ChordEvidence& evidence);

/// Every root × every quality in `qualities`, in order of root then quality, and "no chord" last.
std::vector<Chord> chord_states(const std::vector<ChordQuality>& qualities);

}  // namespace euterpe
