#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string_view>

#include "media/decode.hpp"
#include "media/ffmpeg.hpp"
#include "media/text.hpp"

namespace euterpe {
namespace {

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
