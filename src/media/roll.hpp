#pragma once
/// Parts that pictures of scores are put together from.
#include "media/canvas.hpp"
#include "score/score.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {

struct PitchRange {
  int low = 60, high = 72;  ///< MIDI pitches, both drawn
};
/// All notes and a little room; two octaves at least, lest few notes become fat bricks.
PitchRange pitch_range(const Score& score);

/// Rows of black keys shaded, lines at each C, names of pitches left of the box.
void draw_pitch_rows(Canvas& canvas, const Box& box, const Scale& y, const PitchRange& range);

/// Lines at the bars that fall within the box, their numbers from 1 above it, as many as there is room for.
/// \param x seconds to pixels
void draw_bars(Canvas& canvas, const Box& box, const Scale& x, const Score& score, const TempoMap& time);

}  // namespace euterpe
