#pragma once
/// What users write when they ask for music, read.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "score/key.hpp"

namespace euterpe {

inline constexpr int kMostBarsComposed = 512;  ///< that are written at once

/// Error{usage} saying what cannot be composed so, unless `ok`.
void require_wish(bool ok, const std::string& what, const std::string& hint = {});

/// "C major", "a minor", "F#m", "Bb"; Error{usage} otherwise.
KeyEstimate parse_key(std::string_view text);

/// A style and, where it was named, a variety of it.
struct StyleWish {
  std::string style, variety;
};
/// "folk", "folk/jig", or a variety alone where its name is nobody else's ("jig", "bach"). Empty text: the first of
/// `styles`. Error{usage} listing what there is. \param styles those of the model
/// \param varieties those that it has learned, "folk/jig"
StyleWish parse_style(std::string_view text, const std::vector<std::string>& styles,
                      const std::vector<std::string>& varieties);

/// Russell's quadrant 0 … 3: "Q1" … "Q4", or happy (Q1), tense (Q2), sad (Q3), calm (Q4). Error{usage} otherwise.
int parse_emotion(std::string_view text);

/// MIDI number of "C4" (60), "F#3", "Bb5", or the number itself. Error{usage} otherwise.
int parse_pitch(std::string_view text);

/// Bars counted from 1.
struct BarRange {
  int first = 1, count = 1;
};
/// "5" or "5-8", both included. Error{usage} otherwise.
BarRange parse_bar_range(std::string_view text);

}  // namespace euterpe
