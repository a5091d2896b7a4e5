#pragma once
/// Sequences in another order than that of time, so that a model that reads forward can fill a gap or accompany a
/// melody: what is given stands first (Bavarian et al. 2022, "fill in the middle").
///
///     Bos header PREFIX  Mark_suffix SUFFIX  Mark_middle MIDDLE  Eos       fills the gap between prefix and suffix
///     Bos header  Mark_melody MELODY  Mark_middle PIECE  Eos               part 0 alone, then all parts
#include <span>
#include <vector>

#include "score/remi_vocabulary.hpp"

namespace euterpe {

/// A sequence cut at its bar lines; Bos and Eos are left out.
struct RemiPassage {
  std::vector<Token> header;             ///< controls, Part and Program tokens
  std::vector<std::vector<Token>> bars;  ///< each begins with its Bar
};
/// Of a sequence in order of time. What stands behind the last Bar's notes (Eos) is dropped.
RemiPassage cut_at_bars(std::span<const Token> tokens);

/// Left tokens of the bars are made to count the bars that remain of `bars` itself, in every bar of the last eight.
void count_bars_left(std::span<std::vector<Token>> bars);

/// The bar with the notes of part 0 alone; chords and velocities are left out.
std::vector<Token> melody_of_bar(std::span<const Token> bar);

/// Bos, header, prefix, suffix, and the mark after which the middle is written.
std::vector<Token> ask_for_middle(std::span<const Token> header, std::span<const std::vector<Token>> prefix,
                                  std::span<const std::vector<Token>> suffix);
/// Bos, header, melody_of_bar() of each bar, and the mark after which the piece is written.
std::vector<Token> ask_for_accompaniment(std::span<const Token> header, std::span<const std::vector<Token>> bars);

/// The same music in order of time: a filled gap stands in its place without the Left tokens that counted it, a melody
/// given ahead is left out. What has no marks stays as it is.
std::vector<Token> in_order_of_time(std::span<const Token> tokens);

}  // namespace euterpe
