#pragma once
/// What chords and keys are judged by: the numbers that the learned weights of chord_weights.hpp and key_weights.hpp
/// are for. tools/learn_score_harmony.cpp learns from the same.
#include <array>
#include <cstddef>
#include <vector>

#include "score/annotation.hpp"
#include "score/beat_evidence.hpp"

namespace euterpe {

/// Ways to look at a beat: square roots of the pitch classes' shares in all notes and in the low ones; their shares in
/// the bass and in the highest line.
inline constexpr std::size_t kChordViews = 4;
using ChordViews = std::array<std::array<float, 12>, kChordViews>;

/// Shares, so that thick textures do not count for more; short sounds fall short of 1 in all.
ChordViews chord_views(const BeatWeights& beat);

/// Ways to look at a passage, by pitch class: shares of sounding and their square roots, shares in the bass and in the
/// highest line, square roots of the shares of major and of minor chords.
inline constexpr std::size_t kKeyViews = 6;
using KeyViews = std::array<std::array<float, 12>, kKeyViews>;
inline constexpr std::size_t kKeyPassage = 32;  ///< beats that a key is judged by

/// [T] for every beat the passage around it, shorter at the ends.
std::vector<KeyViews> key_views(const BeatEvidence& evidence, const std::vector<ChordSegment>& chords);

}  // namespace euterpe
