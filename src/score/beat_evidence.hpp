#pragma once
/// What sounds in each beat of a score, by pitch class: the evidence for its chords and keys.
#include <array>
#include <cstdint>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

using PitchClassWeights = std::array<float, 12>;

/// One beat. Weights are beats of sounding: a note held through the whole beat counts 1.
struct BeatWeights {
  PitchClassWeights all{};   ///< every note
  PitchClassWeights low{};   ///< notes below G3, where accompaniments keep the harmony
  PitchClassWeights bass{};  ///< the lowest sounding note of each moment
  PitchClassWeights top{};   ///< the highest sounding note of each moment
};

struct BeatEvidence {
  std::vector<std::int64_t> ticks;  ///< T + 1 boundaries, from 0 to past the last note's end
  std::vector<double> times;        ///< the same in seconds
  std::vector<BeatWeights> beats;   ///< [T]
};

/// Beats are quarters, dotted quarters in 6/8, 9/8 and 12/8, wherever most notes begin in them: a performance may lie
/// beside the file's own grid. One that does not follow its tempo at all gets the beats that are heard in it
/// (score_beats()), or half seconds where none are. Drums are left out. No notes: no beats. Beats are longer than
/// notated where there would be more than 20,000.
BeatEvidence beat_evidence(const Score& score);

}  // namespace euterpe
