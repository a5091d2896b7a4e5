#pragma once
/// From notes to something to listen to: instruments, dynamics.
#include <string_view>

#include "score/score.hpp"

namespace euterpe {

/// Gives a score written without dynamics the instruments of its style and the accents of its meter: parts that the
/// data calls just "piano" play what a listener expects of the style, downbeats are stronger than offbeats, the melody
/// stands above its accompaniment, phrases of four bars swell and fall. Programs other than piano stay. Adds nothing
/// random: the same score is performed the same way.
void perform(Score& score, std::string_view style);

}  // namespace euterpe
