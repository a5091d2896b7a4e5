#pragma once
/// Beats, downbeats, meter and tempo of a recording.
#include <span>

#include "score/beat_network.hpp"
#include "score/beat_track.hpp"

namespace euterpe {

/// Onsets by register as SuperFlux has them (Böck and Widmer 2013): the rise of each of 64 log-compressed mel bands
/// over two frames, against the greatest of itself and its neighbors, so that vibrato is no onset; and changes of
/// chroma. \param mono 22,050 Hz; samples that are no number count as 0, those beyond ±10⁶ are clipped  \return frames
/// of kBeatHop
RhythmChannels rhythm_channels(std::span<const float> mono);

/// The network that hears beats in recordings (signal/beat_weights.cpp).
const BeatNetwork& audio_beat_network();

/// The channels above, heard by a network of one layer, and the likeliest path through tempo and bar position
/// (decode_beats). Needs the whole piece; recordings beyond ten minutes are tracked in overlapping windows
/// (track_in_windows), so that memory is bounded. Empty for silence and for less than a second.
/// \param mono22050 one channel at 22,050 Hz
BeatTrack track_beats(std::span<const float> mono22050);

}  // namespace euterpe
