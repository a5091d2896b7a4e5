#include "media/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "media/ffmpeg.hpp"

namespace euterpe {
namespace {

using ffmpeg::Owned;
using ffmpeg::reason;

constexpr int kChunk = 1 << 16;  // frames handed to the resampler at a time

struct Format {
  std::string_view extension;
  const char *muxer, *encoder;
  int max_channels;
  int bitrate;  // default bits a second, 0 = lossless
};
constexpr Format kFormats[] = {
    {".wav", "wav", "pcm_s16le", 64, 0},      {".flac", "flac", "flac", 8, 0},
    {".mp3", "mp3", "libmp3lame", 2, 192000}, {".ogg", "ogg", "libvorbis", 2, 192000},
    {".opus", "opus", "libopus", 2, 128000},  {".m4a", "ipod", "aac", 2, 192000},
};

const Format& format_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string known;
  for (const Format& format : kFormats) {
    if (format.extension == extension) return format;
    known += (known.empty() ? "" : " ") + std::string(format.extension);
  }
  throw Error(Category::usage, "encode", path.string() + ": unknown audio extension '" + extension + "'",
              "use one of " + known);
}

// The same rate if the encoder has it, else the next higher one, else its highest.
int rate_for(const AVCodec& codec, int wanted) {
  if (!codec.supported_samplerates) return wanted;
  int above = 0, highest = 0;
  for (const int* rate = codec.supported_samplerates; *rate; ++rate) {
    if (*rate >= wanted && (above == 0 || *rate < above)) above = *rate;
    highest = std::max(highest, *rate);
  }
  return above > 0 ? above : highest;
}

AVSampleFormat sample_format_for(const AVCodec& codec) {
  constexpr AVSampleFormat kPreferred[] = {AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_S16,
                                           AV_SAMPLE_FMT_S16P};
  for (const AVSampleFormat wanted : kPreferred) {
    for (const AVSampleFormat* f = codec.sample_fmts; f && *f != AV_SAMPLE_FMT_NONE; ++f) {
      if (*f == wanted) return wanted;
    }
  }
  return codec.sample_fmts ? codec.sample_fmts[0] : AV_SAMPLE_FMT_S16;
}

class Encoding {
 public:
  Encoding(const std::filesystem::path& path, const AudioBuffer& audio, const EncodeOptions& options)
      : path_(path),
        audio_(audio),
        beside_(path, OutputFile::Access::seek),
        packet_(av_packet_alloc()),
        frame_(av_frame_alloc()) {
    const Format& format = format_of(path);
    check(format);
    ffmpeg::silence_log();
    const AVCodec* codec = avcodec_find_encoder_by_name(format.encoder);
    if (!codec) {
      throw Error(Category::unsupported, "encode", path.string() + ": this FFmpeg was built without " + format.encoder);
    }
    AVFormatContext* raw = nullptr;
    fail_below_zero(avformat_alloc_output_context2(&raw, nullptr, format.muxer, beside_.part().c_str()));
    format_.reset(raw);
    raw->flags |= AVFMT_FLAG_BITEXACT;
    if (!options.title.empty()) av_dict_set(&raw->metadata, "title", options.title.c_str(), 0);
    if (!options.artist.empty()) av_dict_set(&raw->metadata, "artist", options.artist.c_str(), 0);

    codec_.reset(avcodec_alloc_context3(codec));
    codec_->flags |= AV_CODEC_FLAG_BITEXACT;  // no version, no time: equal input gives equal bytes
    codec_->thread_count = 1;
    codec_->sample_rate = rate_for(*codec, audio.sample_rate);
    codec_->sample_fmt = sample_format_for(*codec);
    codec_->time_base = {1, codec_->sample_rate};
    codec_->bit_rate = bit_rate(format, options);
    av_channel_layout_default(&codec_->ch_layout, audio.channels);
    if (raw->oformat->flags & AVFMT_GLOBALHEADER) codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    const int status = avcodec_open2(codec_.get(), codec, nullptr);
    if (status < 0) {
      throw Error(Category::usage, "encode",
                  fmt::format("{}: {} refuses {} channels at {} Hz ({})", path.string(), format.encoder, audio.channels,
                              codec_->sample_rate, reason(status)));
    }
    stream_ = avformat_new_stream(raw, nullptr);
    stream_->time_base = codec_->time_base;
    fail_below_zero(avcodec_parameters_from_context(stream_->codecpar, codec_.get()));
    resampler_ = ffmpeg::make_resampler(codec_->ch_layout, AV_SAMPLE_FMT_FLTP, audio.sample_rate, codec_->ch_layout,
                                        codec_->sample_fmt, codec_->sample_rate, nullptr);
    waiting_.reset(av_audio_fifo_alloc(codec_->sample_fmt, audio.channels, kChunk));
  }

  void run() {
    fail_below_zero(avio_open(&format_->pb, ("file:" + beside_.part().string()).c_str(), AVIO_FLAG_WRITE));
    AVDictionary* options = nullptr;
    av_dict_set(&options, "rf64", "auto", 0);  // WAV beyond 4 GB
    const int status = avformat_write_header(format_.get(), &options);
    av_dict_free(&options);
    fail_below_zero(status);
    feed();
    send(nullptr);
    fail_below_zero(av_write_trailer(format_.get()));
    const int error = format_->pb->error;
    const int closed = avio_closep(&format_->pb);
    fail_below_zero(error < 0 ? error : closed);
    beside_.commit();
  }

  ~Encoding() {
    if (format_ && format_->pb) avio_closep(&format_->pb);
  }

 private:
  void check(const Format& format) const {
    const std::string name = path_.string();
    if (audio_.channels > format.max_channels) {
      throw Error(Category::usage, "encode",
                  fmt::format("{}: {} takes at most {} channels, this has {}", name, format.extension.substr(1),
                              format.max_channels, audio_.channels));
    }
    if (audio_.channels < 1 || audio_.sample_rate < 1 || audio_.frames() == 0) {
      throw Error(Category::bad_input, "encode", name + ": there is no audio to write");
    }
    for (const float sample : audio_.samples) {
      if (!std::isfinite(sample)) throw Error(Category::bad_input, "encode", name + ": a sample is not a number");
    }
  }

  // LAME takes only the table's rates: at 22.05 kHz and below no more than 160k.
  int bit_rate(const Format& format, const EncodeOptions& options) const {
    if (format.bitrate == 0) return 0;
    const int wanted = options.bitrate > 0 ? options.bitrate : format.bitrate;
    const int ceiling = codec_->sample_rate <= 24000 ? 80000 * std::max(audio_.channels, 1) : wanted;
    return format.extension == ".opus" ? wanted : std::min(wanted, ceiling);
  }

  void feed() {
    const bool any_size = codec_->codec->capabilities & AV_CODEC_CAP_VARIABLE_FRAME_SIZE || codec_->frame_size <= 0;
    const int size = any_size ? 4096 : codec_->frame_size;
    const auto total = static_cast<std::int64_t>(audio_.frames());
    std::vector<const std::uint8_t*> planes(static_cast<std::size_t>(audio_.channels));
    for (std::int64_t begin = 0; begin < total; begin += kChunk) {
      const auto n = static_cast<int>(std::min<std::int64_t>(kChunk, total - begin));
      for (int c = 0; c < audio_.channels; ++c) {
        planes[static_cast<std::size_t>(c)] = reinterpret_cast<const std::uint8_t*>(audio_.channel(c).data() + begin);
      }
      convert(planes.data(), n);
      while (av_audio_fifo_size(waiting_.get()) >= size) take(size);
    }
    while (convert(nullptr, 0) > 0) {
    }
    while (av_audio_fifo_size(waiting_.get()) > 0) take(std::min(size, av_audio_fifo_size(waiting_.get())));
  }

  // To the encoder's rate and sample format, into the queue from which frames of its size are cut.
  int convert(const std::uint8_t** planes, int n) {
    const int room = swr_get_out_samples(resampler_.get(), n) + 32;
    prepare_frame(room);
    const int got = swr_convert(resampler_.get(), frame_->extended_data, room, planes, n);
    fail_below_zero(got);
    void** data = reinterpret_cast<void**>(frame_->extended_data);
    if (got > 0) fail_below_zero(av_audio_fifo_write(waiting_.get(), data, got));
    return got;
  }

  void take(int size) {
    prepare_frame(size);
    fail_below_zero(av_audio_fifo_read(waiting_.get(), reinterpret_cast<void**>(frame_->extended_data), size));
    frame_->pts = written_;
    written_ += size;
    send(frame_.get());
  }

  void prepare_frame(int size) {
    AVFrame* frame = frame_.get();
    av_frame_unref(frame);
    frame->nb_samples = size;
    frame->format = codec_->sample_fmt;
    frame->sample_rate = codec_->sample_rate;
    av_channel_layout_copy(&frame->ch_layout, &codec_->ch_layout);
    fail_below_zero(av_frame_get_buffer(frame, 0));
  }

  void send(AVFrame* frame) {
    fail_below_zero(avcodec_send_frame(codec_.get(), frame));
    for (;;) {
      const int status = avcodec_receive_packet(codec_.get(), packet_.get());
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
      fail_below_zero(status);
      av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
      packet_->stream_index = stream_->index;
      fail_below_zero(av_interleaved_write_frame(format_.get(), packet_.get()));
    }
  }

  void fail_below_zero(int status) const {
    if (status < 0) throw Error(Category::io, "encode", path_.string() + ": " + reason(status));
  }

  struct FreeOutput {
    void operator()(AVFormatContext* p) const { avformat_free_context(p); }
  };
  struct FreeFifo {
    void operator()(AVAudioFifo* p) const { av_audio_fifo_free(p); }
  };
  const std::filesystem::path& path_;
  const AudioBuffer& audio_;
  OutputFile beside_;
  std::unique_ptr<AVFormatContext, FreeOutput> format_;
  Owned<AVCodecContext> codec_;
  Owned<AVPacket> packet_;
  Owned<AVFrame> frame_;
  Owned<SwrContext> resampler_;
  std::unique_ptr<AVAudioFifo, FreeFifo> waiting_;
  AVStream* stream_ = nullptr;
  std::int64_t written_ = 0;
};

}  // namespace

void encode(const std::filesystem::path& path, const AudioBuffer& audio, const EncodeOptions& options) {
  Encoding(path, audio, options).run();
}

}  // namespace euterpe
