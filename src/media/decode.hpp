#pragma once
/// Audio in, through FFmpeg: WAV, FLAC, MP3, OGG Vorbis, Opus, M4A/AAC and what else libavformat reads.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "media/audio_buffer.hpp"

namespace euterpe {

struct DecodeOptions {
  int sample_rate = 22050;  ///< Hz of the result (resampled by libswresample/soxr); 0 keeps the file's own
  int channels = 1;         ///< 1 mixes down (mean of the channels), 2 is stereo; 0 keeps the file's own
  double start = 0;         ///< seconds to skip at the beginning
  double duration = 0;      ///< seconds to read, 0 = to the end
};

/// What a damaged file lost on the way to samples; all zero for a sound one.
struct DecodeLoss {
  std::uint64_t damaged_packets = 0;  ///< skipped
  double missing = 0;                 ///< seconds that the header promises and that do not come: the file breaks off
  std::uint64_t not_finite = 0;       ///< samples that were no number and became 0, over all channels
};

struct AudioInfo {
  std::string container, codec;  ///< FFmpeg's short names, "mp3", "vorbis"
  int sample_rate = 0, channels = 0;
  double duration = 0;                     ///< seconds, as the container says; 0 if it does not
  std::string title, artist, album, isrc;  ///< tags, UTF-8, empty where absent
};

/// Throws Error{not_found | io | bad_input}; the detail names the file, the place in seconds and FFmpeg's reason.
/// A file that breaks off or holds damaged packets gives what could be decoded if that is at least one frame,
/// and `warning` (if given) says what was lost and where; samples that are no number become 0 and are warned about too.
AudioBuffer decode(const std::filesystem::path& path, const DecodeOptions& options = {},
                   std::string* warning = nullptr);

/// The same as a stream, for files that should not lie in memory whole: `sink` gets one block after the other (planar,
/// at most 2^16 frames) and returns false to stop. Rate and channels stay the same from block to block.
/// \param loss if given, what the warning says, as numbers
void decode_blocks(const std::filesystem::path& path, const DecodeOptions& options,
                   const std::function<bool(const AudioBuffer&)>& sink, std::string* warning = nullptr,
                   DecodeLoss* loss = nullptr);

/// Header and tags only. Throws as decode() does.
AudioInfo probe_audio(const std::filesystem::path& path);

/// By extension, upper or lower case: the quick test that a folder walk uses. decode() judges by content.
bool is_audio_name(const std::filesystem::path& path);
bool is_midi_name(const std::filesystem::path& path);

}  // namespace euterpe
