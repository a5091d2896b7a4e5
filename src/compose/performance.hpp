#pragma once
/// From notes to something to listen to: instruments, dynamics, the freedom of a player's hands.
#include <cstddef>
#include <string_view>

#include "score/score.hpp"

namespace euterpe {

/// Gives what was written without dynamics the instruments of its style and the accents of its meter: parts that the
/// data calls just "piano" play what a listener expects of the style, downbeats are stronger than offbeats, the melody
/// stands above its accompaniment, phrases of four bars swell and fall. Programs other than piano stay, and so do the
/// dynamics of a part that has some. Adds nothing random: the same score is performed the same way.
/// \param first_track tracks before it were given and stay as they are
void perform(Score& score, std::string_view style, std::size_t first_track = 0);

/// What a player does beyond the page, for sound alone: in tracks whose every note stands exactly on the grid, onsets
/// wander by some milliseconds, chords are not struck all at once, equal notes are not equally loud, and parts without
/// a place of their own are spread from left to right. Tracks that were played stay as they are. The same score is
/// played the same way; no note moves by more than kMostPlayed seconds, and none begins before 0.
Score played(const Score& score);

inline constexpr double kMostPlayed = 0.03;

}  // namespace euterpe
