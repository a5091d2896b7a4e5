#pragma once
/// Passages cut from scores and planted in others, to be found again.
#include <cstdint>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// The notes that begin in ticks [from, to), from 0 on and ended by `to`; the meter that holds there, no tempo.
Score cut_passage(const Score& score, std::int64_t from, std::int64_t to);

/// Passages of `bars` bars without overlap; one shorter than half of it is left out unless it is the only one.
std::vector<Score> bar_windows(const Score& score, int bars);

struct Planting {
  int at_bar = 0;          ///< of the host, from 0
  int semitones = 0;       ///< a note that would leave 0–127 stays an octave nearer
  double stretch = 1;      ///< quarters in the host for one of the passage
  bool one_track = false;  ///< all notes on the host's first track; else as many tracks more as the passage has
};

/// The host with the passage in the place of what sounds there. The host's resolution is kept.
Score plant_passage(Score host, const Score& passage, const Planting& how);

}  // namespace euterpe
