#pragma once
/// What decode.cpp, probe.cpp and encode.cpp share: FFmpeg's objects with owners, and its errors as text.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

namespace euterpe::ffmpeg {

struct Free {
  void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(SwrContext* p) const { swr_free(&p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// FFmpeg's own words for a negative return value.
std::string reason(int error);

/// Sends FFmpeg's chatter nowhere: what matters reaches the user as an Error or a warning that names the file.
void silence_log();

/// An opened file and its best audio stream, every other stream discarded.
struct Input {
  Owned<AVFormatContext> format;
  AVStream* stream = nullptr;
  const AVCodec* decoder = nullptr;

  double seconds() const;     ///< as the container says, 0 if it does not
  bool exact_length() const;  ///< false where that is only an estimate from the bit rate
};

/// Throws Error{not_found | io | bad_input} naming the file and the likely cause. Only local files in formats that hold
/// audio are opened: a playlist that points elsewhere is refused, whatever its name.
Input open_input(const std::filesystem::path& path, const char* operation);

/// Resampler between two formats, internally in float; soxr where FFmpeg has it, else its own with a longer filter.
/// \param matrix row-major [to channels × from channels] mixing gains, null if the channels stay.
Owned<SwrContext> make_resampler(const AVChannelLayout& from, AVSampleFormat from_format, int from_rate,
                                 const AVChannelLayout& to, AVSampleFormat to_format, int to_rate,
                                 const double* matrix);

}  // namespace euterpe::ffmpeg
