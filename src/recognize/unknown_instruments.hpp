#pragma once
/// Examples of what a recognizer of single instruments does not know: several at once, and other instruments.
#include <cstdint>
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"
#include "recognize/unknown_sounds.hpp"

namespace euterpe {

/// Clips of three to six labels sounding at once, 2 … 8 s long; each at a level of its own, repeated until the end.
/// \param clips mono at 22,050 Hz, not empty  \param labels [clips], at least three different ones
/// The same seed gives the same mixture.
AudioBuffer mixed_clips(const std::vector<AudioBuffer>& clips, const std::vector<int>& labels, std::uint64_t seed);

/// A few seconds played by the synthesizer after notes made by rule: chords, a bass, drums and a melody together
/// (`program` −1), or a melody of one General MIDI program. Mono, 22,050 Hz. Error{not_found} without a soundfont.
AudioBuffer played_by_rule(int program, std::uint64_t seed);

/// General MIDI programs unlike those that the labels name ("Cello", "Acoustic_guitar"), by families; nothing where
/// fewer than half of the labels name one, for then nobody knows what the others are.
std::vector<int> other_programs(const std::vector<std::string>& labels);

/// Adds to `examples`, worn() as recordings come: as other, mixtures of the clips, bands and solos of other programs;
/// as known (label −1) solos of the labels' own programs, so that the synthesizer's sound alone is no sign.
/// Nothing for fewer than three labels; no solos and bands without a soundfont. A minute of one core.
void add_other_instruments(SoundExamples& examples, const AudioClips& clips, std::uint64_t seed);

}  // namespace euterpe
