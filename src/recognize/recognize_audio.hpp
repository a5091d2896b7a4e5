#pragma once
/// One pass over a recording: decoded once, heard once, shared by all heads.
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "recognize/audio_encoder.hpp"
#include "recognize/audio_heads.hpp"
#include "recognize/recognition.hpp"

namespace euterpe {

struct AskedAudio {
  std::vector<const AudioHeads*> heads;
  const AudioHeads* curve = nullptr;      ///< the heads that are asked for each segment; may be null
  const AudioEncoder* encoder = nullptr;  ///< null: the heads do without
};

/// audio_evidence() and the encoder's embedding, with the time of each in `stages`.
/// Error{bad_input} for less than a quarter of a second and for silence.
AudioEvidence hear(const AudioBuffer& excerpt, const AudioEncoder* encoder, Stages& stages);

/// Where a recording of this length is listened to, as its curve has it: {begin, end} in seconds, in order.
std::vector<std::pair<double, double>> listened_stretches(double duration);

/// A recording of any length, by its excerpts. Answers are the mean over the excerpts; the curve has their thirds.
/// A file that breaks off is judged, and measured, by what can be decoded of it.
/// Error{bad_input} naming the file: silence, too short, not audio; {io | not_found} where it cannot be read.
Recognition recognize_audio(const std::filesystem::path& path, const AskedAudio& asked, Stages& stages);

}  // namespace euterpe
