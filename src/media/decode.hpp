#pragma once
/// Audio in, through FFmpeg: WAV, FLAC, MP3, OGG Vorbis, Opus, M4A/AAC and what else libavformat reads.
#include <filesystem>
#include <string>

#include "media/audio_buffer.hpp"

namespace euterpe {

struct DecodeOptions {
  int sample_rate = 22050;  ///< Hz of the result (resampled by libswresample/soxr); 0 keeps the file's own
  int channels = 1;         ///< 1 mixes down (mean of the channels), 2 is stereo; 0 keeps the file's own
  double start = 0;         ///< seconds to skip at the beginning
  double duration = 0;      ///< seconds to read, 0 = to the end
};

struct AudioInfo {
  std::string container, codec;  ///< FFmpeg's short names, "mp3", "vorbis"
  int sample_rate = 0, channels = 0;
  double duration = 0;           ///< seconds, as the container says; 0 if it does not
  std::string title, artist, album, isrc;  ///< tags, UTF-8, empty where absent
};

/// Throws Error{not_found | bad_input}; the detail names the file, the place in seconds and FFmpeg's reason.
/// A file that breaks off or holds damaged packets gives what could be decoded if that is at least one frame,
/// and `warning` (if given) says what was lost and where.
AudioBuffer decode(const std::filesystem::path& path, const DecodeOptions& options = {}, std::string* warning = nullptr);
AudioInfo probe_audio(const std::filesystem::path& path);

/// True if the first bytes look like audio that decode() handles (content is sniffed, not the name).
bool is_audio_name(const std::filesystem::path& path);  ///< by extension: the quick test a folder walk uses
bool is_midi_name(const std::filesystem::path& path);

}  // namespace euterpe
