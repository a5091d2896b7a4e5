#pragma once
/// Beats found by a path through tempo and bar position: what tracking in recordings and in scores have in common.
#include <functional>
#include <vector>

#include "score/annotation.hpp"

namespace euterpe {

struct BeatTrack {
  std::vector<Beat> beats;  ///< ascending; position 1 is the downbeat
  double tempo = 0;         ///< beats a minute, the median over the piece; 0: no pulse
  int beats_per_bar = 0;    ///< 0: not known
  double confidence = 0;    ///< 0–1: mean probability that the network gives the beats
};

/// Log-odds that a frame is a beat that opens no bar, or one that opens it, against no beat at all. Frame t stands at
/// t · hop seconds; both lists are as long as the piece.
struct BeatLogOdds {
  double hop = 0;  ///< seconds
  std::vector<float> beat, downbeat;
};

/// The likeliest beats: a bar-pointer model (Whiteley, Cemgil and Godsill 2006) in the state space of Krebs, Böck and
/// Widmer (2015): the tempo may change at beats alone, so that a state is (time of a beat, its place in the bar, time
/// to the next) and a path collects the log-odds of its beats. Bars have 3 or 4 beats, but for short ones (place_bars);
/// 40 to 220 beats a minute. Beats go on through rests, from the first frame to the last. Memory is 900 bytes a frame.
BeatTrack decode_beats(const BeatLogOdds& odds);

/// Positions of beats that are known, by the likeliest downbeats: bars of `beats_per_bar`, a few of them cut short
/// where songs have an extra half bar. Frame 0 of the odds stands at `from` seconds.
void place_bars(std::vector<Beat>& beats, int beats_per_bar, const BeatLogOdds& odds, double from);

/// Long pieces in bounded memory: `track(from, to)` is called for windows of ten minutes that overlap by one, and its
/// beats (in seconds of the piece) are joined in the middle of each overlap. Meter and confidence are those of the
/// windows with the most beats and of their mean.
BeatTrack track_in_windows(double seconds, const std::function<BeatTrack(double from, double to)>& track);

/// 60 / the typical interval of the beats, measured over spans so that the grid of frames does not round it; 0 for
/// fewer than two beats.
double median_tempo(const std::vector<Beat>& beats);

}  // namespace euterpe
