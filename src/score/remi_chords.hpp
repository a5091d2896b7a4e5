#pragma once
/// Chords as REMI sequences say them: one a bar, or one for each half of it.
#include <optional>
#include <string_view>
#include <vector>

#include "score/chord.hpp"
#include "score/remi_vocabulary.hpp"
#include "score/score.hpp"

namespace euterpe {

inline constexpr int kChordTokenQualities = 14;                     ///< all but ChordQuality::other
inline constexpr int kChordTokens = 12 * kChordTokenQualities + 1;  ///< and none

/// One chord for the bar or one for each half; the second half begins on the beat at or after the middle.
using BarChords = std::vector<Chord>;

/// Value of the Chord token: inversions are not told apart, a chord of quality `other` counts as none.
int chord_value(const Chord& chord);
Chord chord_of_value(int value);

/// The chords of estimate_chords() that sound longest in each half of each bar, one entry a bar of bar_lines(); bars
/// without any harmony have none.
std::vector<BarChords> bar_chords(const Score& score);

/// "C | Am F | G7 | N": bars between bars, one or two chords in each, as musicians write them (Am, C#m7, Bbmaj7, Bdim,
/// F#m7b5, Gsus4, C6, D+, N.C.) or in Harte's notation (A:min). What stands behind a slash, the bass, is not kept.
/// Error{usage} naming the word.
std::vector<BarChords> parse_bar_chords(std::string_view text);
/// One chord as musicians write it; nothing if it is none.
std::optional<Chord> parse_chord_symbol(std::string_view word);

}  // namespace euterpe
