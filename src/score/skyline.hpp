#pragma once
/// The skyline of a piece, its highest sounding pitch (Uitdenbogerd and Zobel 1999), and what pitch classes it has in
/// each half bar: the shape of a melody that stays when all else of a piece changes.
#include <array>
#include <span>
#include <vector>

#include "score/bar_grid.hpp"
#include "score/descriptors.hpp"

namespace euterpe {

/// Sixteenths of each pitch class in one half bar.
using Chroma = std::array<float, 12>;

/// The highest pitch that sounds at each of the first `sixteenths`, −1 where none does. \param notes in any order
std::vector<int> skyline(std::span<const GridNote> notes, int sixteenths);
/// The same at all sixteenths of the bars, in order; a note that is held sounds on over the bar line.
std::vector<int> skyline(const BarGrid& grid);

/// [2 × bars], not normalized; a silent half is zero, and so is what `line` does not reach.
/// \param line as skyline() gives it \param bars lengths in sixteenths; of an odd one the second half is the longer
std::vector<Chroma> half_bar_chroma(std::span<const int> line, std::span<const int> bars);
std::vector<Chroma> half_bar_chroma(const BarGrid& grid);
/// How much of a melody's shape is kept: the mean cosine over the half bars in which the source's skyline sounds, in
/// the same key; one that is silent or missing in the output counts 0. 1 of a source that is silent.
double melody_similarity(std::span<const Chroma> source, std::span<const Chroma> output);

/// The notes of both parts in sixteenths from the first bar line, in the grid's key, in order of (onset, pitch),
/// doubles removed (longest kept).
std::vector<GridNote> grid_notes(const BarGrid& grid);
/// Lengths of the bars in sixteenths.
std::vector<int> bar_lengths(const BarGrid& grid);

}  // namespace euterpe
