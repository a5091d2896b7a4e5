#pragma once
/// A piece as bars of notes on a grid of sixteenths, in two parts and one key: what networks that see a bar at once
/// learn from.
#include <compare>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "score/key.hpp"
#include "score/score.hpp"

namespace euterpe {

struct GridMeter {
  int numerator, denominator;
  int steps;  ///< sixteenths of a bar
};
/// 4/4 3/4 6/8 2/4; 2/2 is read as 4/4.
std::span<const GridMeter> grid_meters();
/// Number of "3/4" in grid_meters().
std::optional<int> grid_meter(std::string_view name);

inline constexpr int kMostGridSteps = 16;    ///< of a bar
inline constexpr int kLongestGridNote = 32;  ///< sixteenths; longer notes are cut
enum GridPart { kGridMelody = 0, kGridAccompaniment = 1, kGridParts = 2 };

struct BarNote {
  int onset = 0;           ///< sixteenths from the bar line, 0 … steps − 1
  int part = kGridMelody;  ///< GridPart
  int pitch = 60;          ///< MIDI
  int length = 1;          ///< sixteenths, 1 … kLongestGridNote; may reach beyond the bar
  bool operator==(const BarNote&) const = default;
};

struct GridBar {
  int meter = 0;               ///< number in grid_meters()
  std::vector<BarNote> notes;  ///< in order of onset, then melody first, then from the highest down; no doubles
  bool operator==(const GridBar&) const = default;
};

struct BarGrid {
  std::vector<GridBar> bars;
  bool minor = false;
  int moved = 0;       ///< semitones by which the music was moved to stand in C major or A minor, −6 … +5
  double tempo = 120;  ///< quarter notes a minute, of the beginning
};

/// Semitones from a key to C major or A minor, the short way: −6 … +5.
int moved_home(const KeyEstimate& key);

/// The whole piece. The melody is score_melody(), the accompaniment all else; drums are left out.
/// Error{unsupported} naming the first bar whose meter is none of grid_meters(), Error{bad_input} without a note.
BarGrid bar_grid(const Score& score);
/// The stretches of bars in those meters, in one key; what lies between them is left out.
std::vector<BarGrid> bar_grid_stretches(const Score& score);

/// The piece back in its own key: tracks Melody and Accompaniment, 480 ticks to the quarter. A note that is struck
/// again is cut there, one beyond MIDI's pitches left out. The inverse of bar_grid() but for what the grid cannot hold.
Score grid_score(const BarGrid& grid);

/// Bars [first, first + count) alone.
BarGrid grid_bars(const BarGrid& grid, std::size_t first, std::size_t count);
void sort_grid_bar(GridBar& bar);

}  // namespace euterpe
