#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <string_view>

#include "media/decode.hpp"
#include "media/ffmpeg.hpp"

namespace euterpe {
namespace {

bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t n = c < 0x80 ? 1 : (c >> 5) == 6 ? 2 : (c >> 4) == 14 ? 3 : (c >> 3) == 30 ? 4 : 0;
    if (n == 0 || i + n > text.size() || c == 0xC0 || c == 0xC1 || c > 0xF4) return false;
    for (std::size_t k = 1; k < n; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += n;
  }
  return true;
}

// ID3v1 tags carry bytes without saying in which alphabet; Latin-1 is what the format was made for.
std::string to_utf8(std::string_view text) {
  if (valid_utf8(text)) return std::string(text);
  std::string result;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (c < 0x80) {
      result += byte;
    } else {
      result += static_cast<char>(0xC0 | (c >> 6));
      result += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return result;
}

std::string first_name(const char* names) {
  const std::string_view all = names;
  return std::string(all.substr(0, all.find(',')));
}

bool has_extension(const std::filesystem::path& path, std::initializer_list<std::string_view> known) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(known.begin(), known.end(), extension) != known.end();
}

}  // namespace

AudioInfo probe_audio(const std::filesystem::path& path) {
  const ffmpeg::Input input = ffmpeg::open_input(path, "probe_audio");
  const auto tag = [&](std::initializer_list<const char*> keys) -> std::string {
    // OGG keeps its tags in the stream, the other formats in the container.
    for (const AVDictionary* tags : {input.format->metadata, input.stream->metadata}) {
      for (const char* key : keys) {
        const AVDictionaryEntry* entry = av_dict_get(tags, key, nullptr, 0);
        if (entry && *entry->value) return to_utf8(entry->value);
      }
    }
    return {};
  };
  AudioInfo info;
  info.container = first_name(input.format->iformat->name);
  info.codec = avcodec_get_name(input.stream->codecpar->codec_id);
  info.sample_rate = input.stream->codecpar->sample_rate;
  info.channels = input.stream->codecpar->ch_layout.nb_channels;
  info.duration = input.seconds();
  info.title = tag({"title"});
  info.artist = tag({"artist", "album_artist"});
  info.album = tag({"album"});
  info.isrc = tag({"isrc", "TSRC"});
  return info;
}

bool is_audio_name(const std::filesystem::path& path) {
  return has_extension(path,
                       {".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a",  ".mp4", ".aac", ".aif", ".aiff",
                        ".wma", ".wv",   ".ape", ".au",  ".caf", ".mka",  ".webm", ".w64", ".tta", ".ac3"});
}

bool is_midi_name(const std::filesystem::path& path) {
  return has_extension(path, {".mid", ".midi", ".smf", ".rmi", ".kar"});
}

}  // namespace euterpe
