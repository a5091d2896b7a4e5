#pragma once
/// Chords and keys of a score.
#include <vector>

#include "score/annotation.hpp"
#include "score/beat_evidence.hpp"
#include "score/key.hpp"
#include "score/score.hpp"

namespace euterpe {

/// Chords on the grid of beats, over the whole score from 0 on without gaps, neighbors differ; a chord's bass is one of
/// its own tones. How well each chord explains a beat was learned from popular songs (weights shared by all roots); the
/// sequence is decoded with a cost for each change. No notes: nothing.
std::vector<ChordSegment> estimate_chords(const Score& score);
std::vector<ChordSegment> estimate_chords(const BeatEvidence& evidence);

/// Keys over time from 0 to the end without gaps; neighbors differ. Each beat is judged by the 32 beats around it
/// (their pitch classes, bass, highest line and chords; learned from popular songs), the sequence decoded with a cost
/// for each modulation. Notated key signatures are not looked at. No notes: nothing.
std::vector<KeySegment> estimate_keys(const Score& score);
std::vector<KeySegment> estimate_keys(const BeatEvidence& evidence, const std::vector<ChordSegment>& chords);

/// The key that lasts longest in all. Confidence: its share of the time, weighted by how sure each part is; 0 where
/// nothing sounds.
KeyEstimate estimate_global_key(const Score& score);
KeyEstimate longest_key(const std::vector<KeySegment>& keys);

}  // namespace euterpe
