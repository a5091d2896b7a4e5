#include "media/ffmpeg.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>

#include "base/error.hpp"

namespace euterpe::ffmpeg {
namespace {

// Demuxers that may open a file from outside. Left out: playlists and scripts (hls, concat, dash), which would make
// FFmpeg open other files, and everything without sound.
constexpr const char* kFormats =
    "wav,w64,rf64,aiff,au,caf,flac,mp3,ogg,mov,aac,matroska,asf,ape,wv,tta,amr,ac3,eac3,dts,mpc,mpc8,mpegts,mpeg,avi,"
    "flv,dsf,iff,voc,loas,oma,tak,shn,gsm,sox";

constexpr int kMinRate = 1000, kMaxRate = 768000, kMaxChannels = 64;

bool looks_like_text(const std::filesystem::path& path) {
  char bytes[512];
  std::ifstream in(path, std::ios::binary);
  in.read(bytes, sizeof bytes);
  const auto n = in.gcount();
  return n > 0 && std::all_of(bytes, bytes + n, [](unsigned char c) {
           return (c >= 32 && c != 127) || c == '\n' || c == '\r' || c == '\t';
         });
}

}  // namespace

std::string reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

void silence_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

double Input::seconds() const {
  if (stream->duration > 0) return static_cast<double>(stream->duration) * av_q2d(stream->time_base);
  return format->duration > 0 ? static_cast<double>(format->duration) / AV_TIME_BASE : 0;
}

bool Input::exact_length() const { return format->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE; }

Input open_input(const std::filesystem::path& path, const char* operation) {
  silence_log();
  const std::string name = path.string();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw Error(Category::not_found, operation, name + ": no such file");
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw Error(Category::bad_input, operation, name + ": not a regular file");
  }
  if (access(path.c_str(), R_OK) != 0) throw Error(Category::io, operation, name + ": no permission to read");
  if (std::filesystem::file_size(path, ignored) == 0) {
    throw Error(Category::bad_input, operation, name + ": the file is empty (0 bytes)", "was it copied completely?");
  }

  const auto refuse = [&](const std::string& why) -> Error {
    if (looks_like_text(path)) return {Category::bad_input, operation, name + ": this is text, not audio"};
    return {Category::bad_input, operation, name + ": " + why, "is it really audio, and was it copied completely?"};
  };

  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", kFormats, 0);
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  AVFormatContext* raw = nullptr;
  const int opened = avformat_open_input(&raw, ("file:" + name).c_str(), nullptr, &options);
  av_dict_free(&options);
  if (opened < 0) throw refuse("no audio format recognized (" + reason(opened) + ")");
  Input input;
  input.format.reset(raw);
  const int probed = avformat_find_stream_info(raw, nullptr);
  if (probed < 0) throw refuse("no stream could be read (" + reason(probed) + ")");
  const int index = av_find_best_stream(raw, AVMEDIA_TYPE_AUDIO, -1, -1, &input.decoder, 0);
  if (index == AVERROR_DECODER_NOT_FOUND) {
    throw Error(Category::unsupported, operation, name + ": no decoder for its audio in this FFmpeg");
  }
  if (index < 0) throw refuse("it holds no audio stream");
  for (unsigned i = 0; i < raw->nb_streams; ++i) {
    if (static_cast<int>(i) != index) raw->streams[i]->discard = AVDISCARD_ALL;
  }
  input.stream = raw->streams[index];
  const AVCodecParameters& par = *input.stream->codecpar;
  if (par.sample_rate < kMinRate || par.sample_rate > kMaxRate || par.ch_layout.nb_channels < 1 ||
      par.ch_layout.nb_channels > kMaxChannels) {
    throw refuse("its header claims " + std::to_string(par.sample_rate) + " Hz and " +
                 std::to_string(par.ch_layout.nb_channels) + " channels");
  }
  return input;
}

Owned<SwrContext> make_resampler(const AVChannelLayout& from, AVSampleFormat from_format, int from_rate,
                                 const AVChannelLayout& to, AVSampleFormat to_format, int to_rate,
                                 const double* matrix) {
  for (const bool soxr : {true, false}) {
    SwrContext* raw = nullptr;
    // FFmpeg 5.1 forgot the const; it does not write there.
    const int status = swr_alloc_set_opts2(&raw, const_cast<AVChannelLayout*>(&to), to_format, to_rate,
                                           const_cast<AVChannelLayout*>(&from), from_format, from_rate, 0, nullptr);
    Owned<SwrContext> swr(raw);
    if (status < 0) break;
    av_opt_set_int(raw, "internal_sample_fmt", AV_SAMPLE_FMT_FLTP, 0);
    if (from_rate != to_rate) {
      if (soxr) {
        av_opt_set_int(raw, "resampler", SWR_ENGINE_SOXR, 0);
        av_opt_set_int(raw, "precision", 20, 0);
      } else {
        av_opt_set_int(raw, "filter_size", 64, 0);
        av_opt_set_double(raw, "cutoff", 0.95, 0);
      }
    }
    if (matrix && swr_set_matrix(raw, matrix, from.nb_channels) < 0) break;
    if (swr_init(raw) >= 0) return swr;
  }
  throw Error(Category::unsupported, "resample",
              "FFmpeg cannot convert " + std::to_string(from.nb_channels) + " channels at " +
                  std::to_string(from_rate) + " Hz to " + std::to_string(to.nb_channels) + " at " +
                  std::to_string(to_rate) + " Hz");
}

}  // namespace euterpe::ffmpeg
