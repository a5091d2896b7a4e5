#pragma once
/// Examples for an UnknownDetector of scores.
#include <cstdint>
#include <span>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// `count` scores that are no music, each made of a passage of a real one (about kUnlikeNotes notes), whose tracks,
/// tempo and number of notes it keeps, so that it cannot be told by how a corpus writes its files. In turn: pitches
/// drawn at random, pitches shuffled, one pitch for all, each pitch moved for itself, a chromatic walk, clusters of
/// semitones, onsets at random, onsets and pitches at random. Drums stay drums. The same seed gives the same scores.
/// \param real at least one with notes; those without are passed over
std::vector<Score> unlike_scores(std::span<const Score> real, int count, std::uint64_t seed);
inline constexpr std::size_t kUnlikeNotes = 400;

}  // namespace euterpe
