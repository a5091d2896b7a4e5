#pragma once
/// One pass over a recording: decoded once, heard once, shared by all heads.
#include <filesystem>
#include <span>
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

/// A recording of any length, by its excerpts. Answers are the mean over the excerpts; the curve has their thirds.
/// Error{bad_input} naming the file: silence, too short, not audio; {io | not_found} where it cannot be read.
Recognition recognize_audio(const std::filesystem::path& path, const AskedAudio& asked, Stages& stages);

}  // namespace euterpe
