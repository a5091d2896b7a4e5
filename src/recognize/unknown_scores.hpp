#pragma once
/// Examples for an UnknownDetector of scores.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "recognize/unknown.hpp"
#include "score/score.hpp"

namespace euterpe {

/// `count` scores that are no music, each made of a passage of a real one (about kUnlikeNotes notes), whose tracks,
/// tempo and number of notes it keeps, so that it cannot be told by how a corpus writes its files. In turn: pitches
/// drawn at random, pitches shuffled, one pitch for all, each pitch moved for itself, a chromatic walk, clusters of
/// semitones, onsets at random, onsets and pitches at random. Drums stay drums. The same seed gives the same scores.
/// \param real at least one with notes; those without are passed over
std::vector<Score> unlike_scores(std::span<const Score> real, int count, std::uint64_t seed);
inline constexpr std::size_t kUnlikeNotes = 400;

/// A piece that a recognizer learned from.
struct KnownScore {
  const Score* score = nullptr;
  std::string group;  ///< song or work
};
/// The descriptors that the recognizer is asked by; none where a score holds too little. Called from several threads.
using ScoreViews = std::function<std::vector<std::vector<float>>(const Score&)>;

/// A detector of what is unlike `known`: of unlike_scores() made of it, of `foreign` pieces, and of what resembles
/// neither. A passage of each known piece in one loudness belongs to what is known, so that neither the length of a
/// score nor flat dynamics, as notation has them, is taken for a sign. Error{bad_input} as UnknownDetector::fit().
/// \param foreign real music that the recognizer has no name for; may be empty. Of many, some are taken.
UnknownDetector fit_unknown_scores(std::span<const KnownScore> known, std::span<const Score> foreign,
                                   const ScoreViews& views, std::uint64_t seed);

}  // namespace euterpe
