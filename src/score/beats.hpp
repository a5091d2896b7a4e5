#pragma once
/// Beats, downbeats, meter and tempo of a score or of a performance kept as MIDI.
#include <vector>

#include "score/beat_network.hpp"
#include "score/beat_track.hpp"
#include "score/score.hpp"

namespace euterpe {

/// A note as it is heard, whatever the tempo map says.
struct TimedNote {
  double start = 0, end = 0;  ///< seconds
  int pitch = 60;             ///< MIDI; on drums the General MIDI percussion key
  int velocity = 80;          ///< 1–127
  bool drums = false;
};

/// Notes of all tracks in order of time, drums too, in seconds through the tempo map.
std::vector<TimedNote> timed_notes(const Score& score);

/// Onsets by register, weighted by velocity, and changes of what sounds. Memory goes with the last note's end.
RhythmChannels rhythm_channels(const std::vector<TimedNote>& notes);

/// The network that hears beats in notes (score/beat_weights.cpp).
const BeatNetwork& score_beat_network();

/// Beats heard in the notes alone: no tempo map, no bar lines. Long pieces as track_in_windows has them.
BeatTrack track_beats(const std::vector<TimedNote>& notes);

/// Beats and bars as the tempo map and the time signatures have them, from the bar of the first note to the end of the
/// last; dotted notes in 6/8, 9/8, 12/8, else the denominator's. Confidence 1. Empty without notes, and where there
/// are over a hundred times as many beats as notes (a tempo map that no music follows).
BeatTrack notated_beats(const Score& score);

/// notated_beats where the notes follow them, else what is heard in the notes. They do if most onsets stand on the
/// sixteenths of the ticks, or if the network hears beats there nearly as clearly as along its own best path (a
/// performance with its own tempo map). Files whose tempo map is right but begins somewhere in a beat, as recordings
/// transcribed to MIDI have it, are shifted by the part of a beat at which the onsets stand and beats are heard. Bars
/// are the notated ones, unless the beats were shifted, the file has no time signature (or 1/4), or downbeats are heard
/// much more clearly on another beat; then they are where downbeats are heard (place_bars).
BeatTrack score_beats(const Score& score);

}  // namespace euterpe
