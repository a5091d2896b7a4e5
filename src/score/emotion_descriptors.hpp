#pragma once
/// Numbers that tell how a piece feels: loudness, density, articulation, register, mode, dissonance.
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// Of the pitched notes in seconds, for a performance follows no beat: arousal lives in loudness, density and
/// articulation, valence in mode, register and the steps of the chords. Key and mode are those whose Krumhansl profile
/// fits best; degrees are counted from the tonic of the major key with the same notes, so that mode is told by what is
/// dwelt on. At most the first kEmotionSeconds are looked at. In the order of emotion_feature_names(); finite for
/// every score, all 0 for one without pitched notes. Does not change with transposition but for the names `register.*`.
std::vector<float> emotion_features(const Score& score);
const std::vector<std::string>& emotion_feature_names();

inline constexpr double kEmotionSeconds = 240;

}  // namespace euterpe
