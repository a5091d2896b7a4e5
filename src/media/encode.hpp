#pragma once
/// Audio out, through FFmpeg.
#include <filesystem>
#include <string>

#include "media/audio_buffer.hpp"

namespace euterpe {

struct EncodeOptions {
  int bitrate = 0;  ///< bits a second for MP3, OGG, Opus and M4A, 0 = a good default for the format (MP3: 192k)
  std::string title, artist;  ///< tags, UTF-8, left out where empty; WAV keeps them in its INFO list
};

/// Format by extension: .wav (16-bit PCM), .flac (16-bit), .mp3, .ogg (Vorbis), .opus, .m4a (AAC). Written beside,
/// flushed and renamed; equal input gives equal bytes. Resamples where the format has no such rate; samples beyond full
/// scale are clipped. Formats of the lossy kind get at most 2 channels. Throws Error{usage} for an unknown extension or
/// too many channels, Error{bad_input} if there is no sample or one is no number, Error{io} when writing fails.
void encode(const std::filesystem::path& path, const AudioBuffer& audio, const EncodeOptions& options = {});

}  // namespace euterpe
