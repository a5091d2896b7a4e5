#include "media/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "media/ffmpeg.hpp"

namespace euterpe {
namespace {

using ffmpeg::Owned;
using ffmpeg::reason;

constexpr std::size_t kBlock = 1 << 16;  // frames
constexpr double kSeekFrom = 10;         // seconds: below this, reading through is as fast and always exact
constexpr double kPreroll = 1;           // seconds decoded before the wanted start: bit reservoirs, overlapping windows
constexpr int kMaxBadReads = 1000;       // in a row, then the rest is given up
constexpr double kLossWorthTelling = 0.5;  // seconds that may lack at the end before the file counts as broken off

// Mean of the channels that belong to each side; the middle goes to both. Without known positions even channels are
// left.
std::vector<double> mixing(const AVChannelLayout& from, int to) {
  const int n = from.nb_channels;
  std::vector<double> gains(static_cast<std::size_t>(to) * n, 0.0);
  for (int c = 0; c < n; ++c) {
    double side = c % 2 == 0 ? -1 : 1;
    if (from.order != AV_CHANNEL_ORDER_UNSPEC) {
      switch (av_channel_layout_channel_from_index(&from, static_cast<unsigned>(c))) {
        case AV_CHAN_FRONT_LEFT:
        case AV_CHAN_BACK_LEFT:
        case AV_CHAN_SIDE_LEFT:
        case AV_CHAN_FRONT_LEFT_OF_CENTER:
        case AV_CHAN_TOP_FRONT_LEFT:
        case AV_CHAN_TOP_BACK_LEFT:
        case AV_CHAN_WIDE_LEFT:
          side = -1;
          break;
        case AV_CHAN_FRONT_RIGHT:
        case AV_CHAN_BACK_RIGHT:
        case AV_CHAN_SIDE_RIGHT:
        case AV_CHAN_FRONT_RIGHT_OF_CENTER:
        case AV_CHAN_TOP_FRONT_RIGHT:
        case AV_CHAN_TOP_BACK_RIGHT:
        case AV_CHAN_WIDE_RIGHT:
          side = 1;
          break;
        default:
          side = 0;
      }
    }
    if (n == 1) side = 0;
    for (int o = 0; o < to; ++o) {
      const double own = o == 0 ? -1 : 1;
      gains[static_cast<std::size_t>(o) * n + c] = to == 1 ? 1 : side == own ? 1 : side == 0 ? 0.5 : 0;
    }
  }
  for (int o = 0; o < to; ++o) {
    const auto row = gains.begin() + static_cast<std::ptrdiff_t>(o) * n;
    double sum = 0;
    for (int c = 0; c < n; ++c) sum += row[c];
    for (int c = 0; c < n; ++c) row[c] = sum > 0 ? row[c] / sum : 1.0 / n;
  }
  return gains;
}

template <class T>
std::size_t clear_not_finite(T* samples, std::size_t n) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(samples[i])) {
      samples[i] = 0;
      ++found;
    }
  }
  return found;
}

class Decoding {
 public:
  Decoding(const std::filesystem::path& path, const DecodeOptions& options,
           const std::function<bool(const AudioBuffer&)>& sink)
      : path_(path), options_(options), sink_(sink) {
    if (options.sample_rate < 0 || options.channels < 0 || options.channels > 2 || !(options.start >= 0) ||
        !(options.duration >= 0)) {
      throw Error(Category::usage, "decode", "sample rate, channels (0–2), start and duration must not be negative");
    }
    packet_.reset(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    open();
  }

  void run() {
    if (options_.start >= kSeekFrom) seek();
    read_through();
    if (resampler_ && !stopped_) convert(nullptr, 0);
    if (delivered_ == 0) throw nothing_came();
  }

  DecodeLoss loss() const {
    const double expected = input_.seconds();
    const bool breaks_off =
        !stopped_ && input_.exact_length() && position_ < expected - std::max(kLossWorthTelling, 0.01 * expected);
    return {bad_packets_, breaks_off ? expected - position_ : 0, not_finite_};
  }

  std::string warning() const {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (bad_packets_ > 0) {
      add(fmt::format("{} damaged packet{} skipped, the first at {:.2f} s ({})", bad_packets_,
                      bad_packets_ == 1 ? "" : "s", first_bad_, first_bad_reason_));
    }
    if (const double missing = loss().missing; missing > 0) {
      add(fmt::format("the header promises {:.2f} s, {:.2f} s could be decoded: the file breaks off",
                      position_ + missing, position_));
    }
    if (not_finite_ > 0) add(fmt::format("{} samples that are no number were set to 0", not_finite_));
    return text;
  }

 private:
  void open() {
    input_ = ffmpeg::open_input(path_, "decode");
    codec_.reset(avcodec_alloc_context3(input_.decoder));
    avcodec_parameters_to_context(codec_.get(), input_.stream->codecpar);
    codec_->pkt_timebase = input_.stream->time_base;
    codec_->thread_count = 1;  // callers decode several files at once
    const int status = avcodec_open2(codec_.get(), input_.decoder, nullptr);
    if (status < 0) {
      throw Error(Category::bad_input, "decode",
                  fmt::format("{}: {} decoder refuses it ({})", path_.string(), input_.decoder->name, reason(status)));
    }
    position_ = 0;
  }

  // Reads one frame's time stamp to learn where zero is (encoder delay shifts it), then jumps to before the start.
  void seek() {
    seeking_ = true;
    read_through();
    seeking_ = false;
    const double origin = seconds_of(*frame_);
    const double target = options_.start - kPreroll + (std::isfinite(origin) ? origin : 0);
    const auto stamp = static_cast<std::int64_t>(target / av_q2d(input_.stream->time_base));
    if (std::isfinite(origin) &&
        av_seek_frame(input_.format.get(), input_.stream->index, stamp, AVSEEK_FLAG_BACKWARD) >= 0) {
      avcodec_flush_buffers(codec_.get());
      origin_ = origin;
      relocate_ = true;
    } else {
      open();  // not seekable: from the beginning, dropping what comes before the start
    }
    bad_packets_ = 0;
  }

  double seconds_of(const AVFrame& frame) const {
    if (frame.best_effort_timestamp == AV_NOPTS_VALUE) return NAN;
    return static_cast<double>(frame.best_effort_timestamp) * av_q2d(input_.stream->time_base);
  }

  void read_through() {
    int bad_reads = 0;
    while (!stopped_) {
      check_interrupt();
      const int status = av_read_frame(input_.format.get(), packet_.get());
      if (status == AVERROR_EOF) break;
      if (status < 0) {
        note_damage(status);
        if (++bad_reads > kMaxBadReads || avio_feof(input_.format->pb)) break;
        continue;
      }
      bad_reads = 0;
      if (packet_->stream_index == input_.stream->index) {
        const int sent = avcodec_send_packet(codec_.get(), packet_.get());
        if (sent < 0 && sent != AVERROR(EAGAIN)) note_damage(sent);
      }
      av_packet_unref(packet_.get());
      if (receive()) return;
    }
    if (stopped_) return;
    avcodec_send_packet(codec_.get(), nullptr);
    receive();
  }

  // True if the caller should stop reading (a frame was found while seeking).
  bool receive() {
    while (!stopped_) {
      const int status = avcodec_receive_frame(codec_.get(), frame_.get());
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return false;
      if (status < 0) {
        note_damage(status);
        return false;
      }
      if (frame_->nb_samples <= 0) continue;
      if (seeking_) return true;
      take();
    }
    return true;
  }

  void note_damage(int error) {
    if (bad_packets_++ == 0) {
      first_bad_ = position_;
      first_bad_reason_ = reason(error);
    }
  }

  void take() {
    AVFrame& frame = *frame_;
    if (frame.sample_rate < 1 || frame.ch_layout.nb_channels < 1) return;
    if (relocate_) {
      const double at = seconds_of(frame);
      position_ = std::isfinite(at) ? at - origin_ : options_.start;
      relocate_ = false;
    }
    follow_format(frame);
    if (stopped_) return;
    clear(frame);
    const double begin = position_;
    position_ += static_cast<double>(frame.nb_samples) / frame.sample_rate;
    const double lead = options_.start - begin;
    const int skip =
        lead > 0 ? static_cast<int>(std::min<double>(std::lround(lead * frame.sample_rate), frame.nb_samples)) : 0;
    if (skip >= frame.nb_samples) return;
    const auto format = static_cast<AVSampleFormat>(frame.format);
    const bool planar = av_sample_fmt_is_planar(format);
    const int planes = planar ? frame.ch_layout.nb_channels : 1;
    const int step = av_get_bytes_per_sample(format) * (planar ? 1 : frame.ch_layout.nb_channels);
    planes_.resize(static_cast<std::size_t>(planes));
    for (int p = 0; p < planes; ++p) planes_[p] = frame.extended_data[p] + static_cast<std::ptrdiff_t>(skip) * step;
    convert(planes_.data(), frame.nb_samples - skip);
  }

  // Chained streams may change rate, channels or sample format on the way; the result keeps what it began with.
  void follow_format(const AVFrame& frame) {
    if (resampler_ && frame.sample_rate == rate_ && frame.format == format_ &&
        av_channel_layout_compare(&frame.ch_layout, &layout_.value) == 0) {
      return;
    }
    if (resampler_) convert(nullptr, 0);
    if (stopped_) return;
    rate_ = frame.sample_rate;
    format_ = frame.format;
    av_channel_layout_copy(&layout_.value, &frame.ch_layout);
    if (block_.samples.empty() && delivered_ == 0) {
      block_.sample_rate = options_.sample_rate > 0 ? options_.sample_rate : rate_;
      block_.channels = options_.channels > 0 ? options_.channels : layout_.value.nb_channels;
      block_.samples.clear();
      if (options_.duration > 0) {
        limit_ = static_cast<std::uint64_t>(std::llround(options_.duration * block_.sample_rate));
        limit_ = std::max<std::uint64_t>(limit_, 1);
      }
      planar_.assign(static_cast<std::size_t>(block_.channels), {});
    }
    const int from = layout_.value.nb_channels, to = block_.channels;
    Layout out;
    if (from == to) {
      av_channel_layout_copy(&out.value, &layout_.value);
    } else {
      av_channel_layout_default(&out.value, to);
    }
    std::vector<double> gains;
    if (from != to) {
      if (to <= 2) {
        gains = mixing(layout_.value, to);
      } else {  // a chained stream of another width into a file kept as it is: channel by channel
        gains.assign(static_cast<std::size_t>(from) * to, 0.0);
        for (int c = 0; c < std::min(from, to); ++c) gains[static_cast<std::size_t>(c) * from + c] = 1;
      }
    }
    resampler_ = ffmpeg::make_resampler(layout_.value, static_cast<AVSampleFormat>(format_), rate_, out.value,
                                        AV_SAMPLE_FMT_FLTP, block_.sample_rate, gains.empty() ? nullptr : gains.data());
  }

  // Before the resampler, whose filter would spread one NaN over its whole length.
  void clear(AVFrame& frame) {
    const auto packed = av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame.format));
    if (packed != AV_SAMPLE_FMT_FLT && packed != AV_SAMPLE_FMT_DBL) return;
    if (av_frame_make_writable(&frame) < 0) return;
    const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format));
    const int planes = planar ? frame.ch_layout.nb_channels : 1;
    const auto n = static_cast<std::size_t>(frame.nb_samples) * (planar ? 1 : frame.ch_layout.nb_channels);
    for (int p = 0; p < planes; ++p) {
      void* data = frame.extended_data[p];
      not_finite_ += packed == AV_SAMPLE_FMT_FLT ? clear_not_finite(static_cast<float*>(data), n)
                                                 : clear_not_finite(static_cast<double*>(data), n);
    }
  }

  // Null data drains the resampler.
  void convert(const std::uint8_t** data, int n) {
    while (!stopped_) {
      const int room = swr_get_out_samples(resampler_.get(), n);
      if (room < 0) throw Error(Category::bad_input, "decode", path_.string() + ": resampling failed");
      const std::size_t held = planar_[0].size();
      out_.resize(planar_.size());
      for (std::size_t c = 0; c < planar_.size(); ++c) {
        planar_[c].resize(held + static_cast<std::size_t>(room) + 32);
        out_[c] = reinterpret_cast<std::uint8_t*>(planar_[c].data() + held);
      }
      const int got = swr_convert(resampler_.get(), out_.data(), room + 32, data, n);
      for (auto& channel : planar_) channel.resize(held + static_cast<std::size_t>(std::max(got, 0)));
      if (got < 0) throw Error(Category::bad_input, "decode", path_.string() + ": resampling failed: " + reason(got));
      while (!stopped_ && planar_[0].size() >= kBlock) flush_block(kBlock);
      if (data || got == 0) break;  // draining goes on until nothing comes
    }
    if (!data && !stopped_) flush_block(planar_[0].size());
  }

  void flush_block(std::size_t n) {
    if (limit_ > 0) n = static_cast<std::size_t>(std::min<std::uint64_t>(n, limit_ - delivered_));
    if (n > 0) {
      block_.samples.resize(n * planar_.size());
      for (std::size_t c = 0; c < planar_.size(); ++c) {
        std::copy_n(planar_[c].begin(), n, block_.samples.begin() + static_cast<std::ptrdiff_t>(c * n));
        planar_[c].erase(planar_[c].begin(), planar_[c].begin() + static_cast<std::ptrdiff_t>(n));
      }
      delivered_ += n;
      if (!sink_(block_)) stopped_ = true;
    }
    if (limit_ > 0 && delivered_ >= limit_) stopped_ = true;
  }

  Error nothing_came() const {
    const std::string name = path_.string();
    if ((position_ > 0 || relocate_) && options_.start > 0) {
      return {Category::bad_input, "decode",
              fmt::format("{}: the start, {:.2f} s, lies behind the end at {:.2f} s", name, options_.start,
                          relocate_ ? input_.seconds() : position_)};
    }
    const std::string why =
        bad_packets_ > 0 ? fmt::format("{} packets, none of them decodable ({})", bad_packets_, first_bad_reason_)
                         : std::string("its header is there, but no sound follows");
    return {Category::bad_input, "decode", name + ": no audio: " + why, "was it copied completely?"};
  }

  struct Layout {
    AVChannelLayout value{};
    ~Layout() { av_channel_layout_uninit(&value); }
  };

  const std::filesystem::path& path_;
  const DecodeOptions& options_;
  const std::function<bool(const AudioBuffer&)>& sink_;
  ffmpeg::Input input_;
  Owned<AVCodecContext> codec_;
  Owned<AVPacket> packet_;
  Owned<AVFrame> frame_;
  Owned<SwrContext> resampler_;
  Layout layout_;
  int rate_ = 0, format_ = -1;
  bool seeking_ = false, relocate_ = false, stopped_ = false;
  double origin_ = 0, position_ = 0;  // seconds of the file: its zero's time stamp, the end of what was decoded
  std::uint64_t limit_ = 0, delivered_ = 0, bad_packets_ = 0, not_finite_ = 0;
  double first_bad_ = 0;
  std::string first_bad_reason_;
  AudioBuffer block_;
  std::vector<std::vector<float>> planar_;
  std::vector<std::uint8_t*> out_;
  std::vector<const std::uint8_t*> planes_;
};

}  // namespace

void decode_blocks(const std::filesystem::path& path, const DecodeOptions& options,
                   const std::function<bool(const AudioBuffer&)>& sink, std::string* warning, DecodeLoss* loss) {
  Decoding decoding(path, options, sink);
  decoding.run();
  if (warning) *warning = decoding.warning();
  if (loss) *loss = decoding.loss();
}

AudioBuffer decode(const std::filesystem::path& path, const DecodeOptions& options, std::string* warning) {
  AudioBuffer result;
  std::vector<std::vector<float>> channels;
  const auto sink = [&](const AudioBuffer& block) {
    if (channels.empty()) {
      result.sample_rate = block.sample_rate;
      result.channels = block.channels;
      channels.resize(static_cast<std::size_t>(block.channels));
    }
    for (int c = 0; c < block.channels; ++c) {
      const auto samples = block.channel(c);
      channels[static_cast<std::size_t>(c)].insert(channels[static_cast<std::size_t>(c)].end(), samples.begin(),
                                                   samples.end());
    }
    return true;
  };
  decode_blocks(path, options, sink, warning);
  result.samples = std::move(channels[0]);
  if (channels.size() > 1) result.samples.reserve(result.samples.size() * channels.size());
  for (std::size_t c = 1; c < channels.size(); ++c) {
    result.samples.insert(result.samples.end(), channels[c].begin(), channels[c].end());
    channels[c] = {};
  }
  return result;
}

}  // namespace euterpe
