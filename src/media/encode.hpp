#pragma once
/// Audio out, through FFmpeg.
#include <filesystem>

#include "media/audio_buffer.hpp"

namespace euterpe {

struct EncodeOptions {
  int bitrate = 0;  ///< bits a second for MP3 and OGG, 0 = the encoder's good default (192k)
};

/// Format by extension: .wav (16-bit PCM), .flac, .mp3, .ogg (Vorbis), .opus, .m4a. Written beside and renamed.
/// Throws Error{usage} for an unknown extension, Error{io} when writing fails.
void encode(const std::filesystem::path& path, const AudioBuffer& audio, const EncodeOptions& options = {});

}  // namespace euterpe
