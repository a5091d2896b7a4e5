#pragma once
/// Sounds that are no music, made by rule: what a detector of the unknown learns from beside real examples.
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "media/audio_buffer.hpp"

namespace euterpe {

struct SyntheticSound {
  std::string kind;   ///< "voice", "birds", "noise" …
  AudioBuffer audio;  ///< mono, 22,050 Hz, 1 … 15 s
};

/// `count` sounds, the kinds in turn: tones, sweeps, clicks, colored noise, mains hum, sparse events, voices (pulse
/// trains through moving formants, in syllables), a crowd of them, birds, animals' cries, pulsating noise, motors,
/// drops, sirens. Each is worn() too. The same seed gives the same sounds.
std::vector<SyntheticSound> non_music_sounds(int count, std::uint64_t seed);

/// What recording and passing on do to a sound, each by chance: a room, background noise 5–60 dB below, a channel of
/// less bandwidth, clipping, another level (peak 0.05 … 1). Put on music and on what is no music alike, so that a
/// detector cannot tell them by it.
/// \param audio mono, 22,050 Hz
AudioBuffer worn(const AudioBuffer& audio, Random& random);

}  // namespace euterpe
