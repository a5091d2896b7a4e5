#pragma once
/// Chords and keys of a score.
#include <vector>

#include "score/annotation.hpp"
#include "score/beat_evidence.hpp"
#include "score/key.hpp"
#include "score/score.hpp"

namespace euterpe {

/// Chords on the grid of beats, over the whole score from 0 on without gaps; a chord's bass is one of its own tones.
/// How well each chord explains a beat was learned from popular songs (weights shared by all roots); the sequence is
/// decoded with a cost for each change. No notes: nothing.
std::vector<ChordSegment> estimate_chords(const Score& score);
std::vector<ChordSegment> estimate_chords(const BeatEvidence& evidence);

}  // namespace euterpe
