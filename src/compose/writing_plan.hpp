#pragma once
/// What a Writer is to write.
#include <algorithm>
#include <vector>

#include "compose/sampler.hpp"
#include "score/remi_chords.hpp"
#include "score/remi_controls.hpp"

namespace euterpe {

/// What is given and what is asked. Bars are sequences of tokens that begin with Bar.
struct WritingPlan {
  RemiControls controls;
  std::vector<Token> parts;                ///< Part and Program tokens; empty: the model chooses
  std::vector<std::vector<Token>> before;  ///< bars that stand before what is to be written
  std::vector<std::vector<Token>> after;   ///< not empty: a gap is filled, and these stand behind it
  std::vector<std::vector<Token>> melody;  ///< not empty: bars of part 0 that are accompanied, as many as `bars`
  int bars = 16;                           ///< to write
  std::vector<int> meters;                 ///< of the bars to write, the last holds on; empty: the model chooses one
  std::vector<BarChords> chords;           ///< of the bars to write, again from the first; empty: the model's
  bool draw_tempo = true;                  ///< the model says a tempo where none is asked
  SamplingOptions sampling;

  /// Index into remi_meters() of a bar to be written, from 0; −1: the model's.
  int meter_of(int bar) const {
    if (meters.empty()) return -1;
    return meters[std::min(static_cast<std::size_t>(bar), meters.size() - 1)];
  }
};

}  // namespace euterpe
