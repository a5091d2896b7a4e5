#pragma once
/// What happens to music on its way to a listener's microphone, by the condition's name: for evaluation.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

/// clean, clean_5s, mp3_64k, mp3_32k, telephone, reverb_pink_10, white_10, white_0, pink_10, pink_0.
const std::vector<std::string>& degradation_names();

/// Seconds of music that a query of this condition has: 10, or as a part "_5s" of the name says.
double excerpt_seconds(std::string_view condition);

/// A name is a chain of steps, taken from left to right:
///   clean      nothing;             5s          nothing here, see excerpt_seconds
///   mp3_64k    encoded at so many kbit/s and decoded
///   telephone  resampled to 8 kHz, 300–3400 Hz (Butterworth, order 4), µ-law in 8 bits (ITU-T G.711's curve), and back
///   reverb     convolved with `impulse_response`, the direct sound staying where it was
///   white_10, pink_10  noise added, 10 dB below the music's mean power over the excerpt; m5 stands for −5 dB.
/// The same seed gives the same samples. Throws Error{usage} for an unknown step.
/// \param mono 22,050 Hz, full scale ±1  \param impulse_response 22,050 Hz  \return as many samples as came in
std::vector<float> degrade(std::span<const float> mono, std::string_view condition, std::uint64_t seed,
                           std::span<const float> impulse_response);

/// The file at 22,050 Hz from its direct sound (the greatest sample) on; empty path: decaying noise of 0.6 s
/// reverberation time after a direct sound, the energies of both equal.
std::vector<float> load_impulse_response(const std::filesystem::path& path);

}  // namespace euterpe
