#include "signal/stft.hpp"

extern "C" {
#include <libavutil/mem.h>
#include <libavutil/tx.h>
}

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <utility>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

/// av_tx asks for buffers aligned to the widest vectors of the machine.
template <class T>
struct AlignedBuffer {
  explicit AlignedBuffer(std::size_t n) : data(static_cast<T*>(av_malloc(n * sizeof(T)))) { EUTERPE_ASSERT(data); }
  ~AlignedBuffer() { av_free(data); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  T* data;
};

struct Transform {
  Transform(int n, bool inverse, float scale) {
    EUTERPE_ASSERT(av_tx_init(&context, &run, AV_TX_FLOAT_RDFT, inverse ? 1 : 0, n, &scale, 0) >= 0);
  }
  ~Transform() { av_tx_uninit(&context); }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
  AVTXContext* context = nullptr;
  av_tx_fn run = nullptr;
};

EUTERPE_HOT void multiply(const float* a, const float* b, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

EUTERPE_HOT void add_windowed(const float* x, const float* window, float* sum, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += x[i] * window[i];
}

EUTERPE_HOT void absolute(const float* interleaved, float* magnitude, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float re = interleaved[2 * i], im = interleaved[2 * i + 1];
    magnitude[i] = __builtin_sqrtf(re * re + im * im);
  }
}

EUTERPE_HOT void squared_magnitude(const float* interleaved, float* power, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float re = interleaved[2 * i], im = interleaved[2 * i + 1];
    power[i] = re * re + im * im;
  }
}

}  // namespace

struct RealFft::Impl {
  explicit Impl(int n)
      : size(n),
        forward(n, false, 1.0f),
        inverse(n, true, 1.0f / static_cast<float>(n)),
        time(static_cast<std::size_t>(n)),
        bins(static_cast<std::size_t>(n) / 2 + 1) {}
  int size;
  Transform forward, inverse;
  AlignedBuffer<float> time;
  AlignedBuffer<std::complex<float>> bins;
};

RealFft::RealFft(int n) {
  EUTERPE_ASSERT(n >= 32 && n <= 65536 && std::has_single_bit(static_cast<unsigned>(n)));
  impl_ = std::make_unique<Impl>(n);
}
RealFft::~RealFft() = default;
RealFft::RealFft(RealFft&&) noexcept = default;
int RealFft::size() const { return impl_->size; }

void RealFft::forward(const float* in, std::complex<float>* out) {
  const auto n = static_cast<std::size_t>(impl_->size);
  std::memcpy(impl_->time.data, in, n * sizeof(float));
  impl_->forward.run(impl_->forward.context, impl_->bins.data, impl_->time.data, sizeof(float));
  std::copy_n(impl_->bins.data, n / 2 + 1, out);
  out[n / 2] = out[n / 2].real();  // FFmpeg 5.1 leaves the imaginary part of the last bin as it found it
}

void RealFft::inverse(const std::complex<float>* in, float* out) {
  const auto n = static_cast<std::size_t>(impl_->size);
  std::copy_n(in, n / 2 + 1, impl_->bins.data);  // the transform overwrites its input
  impl_->inverse.run(impl_->inverse.context, impl_->time.data, impl_->bins.data, sizeof(std::complex<float>));
  std::memcpy(out, impl_->time.data, n * sizeof(float));
}

std::vector<float> hann_window(int length) {
  std::vector<float> window(static_cast<std::size_t>(length));
  for (int i = 0; i < length; ++i) {
    window[static_cast<std::size_t>(i)] =
        static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / static_cast<double>(length)));
  }
  return window;
}

std::size_t stft_frames(std::size_t samples, const StftOptions& options) {
  const auto hop = static_cast<std::size_t>(options.hop_length), n_fft = static_cast<std::size_t>(options.n_fft);
  if (options.center) return 1 + samples / hop;
  return samples < n_fft ? 0 : 1 + (samples - n_fft) / hop;
}

namespace {

/// The window in the middle of a frame of n_fft samples.
std::vector<float> frame_window(const StftOptions& options) {
  EUTERPE_ASSERT(options.hop_length > 0 && options.win_length >= 0 && options.win_length <= options.n_fft);
  const int win_length = options.win_length > 0 ? options.win_length : options.n_fft;
  std::vector<float> window(static_cast<std::size_t>(options.n_fft), 0.0f);
  std::ranges::copy(hann_window(win_length), window.begin() + (options.n_fft - win_length) / 2);
  return window;
}

template <class Visit>
void for_each_spectrum(std::span<const float> samples, const StftOptions& options, Visit visit) {
  RealFft fft(options.n_fft);
  const auto n_fft = static_cast<std::size_t>(options.n_fft), bins = n_fft / 2 + 1;
  const std::vector<float> window = frame_window(options);

  const auto total = static_cast<std::ptrdiff_t>(samples.size());
  std::vector<float> frame(n_fft);
  std::vector<std::complex<float>> spectrum(bins);
  const std::size_t frames = stft_frames(samples.size(), options);
  for (std::size_t t = 0; t < frames; ++t) {
    const auto begin = static_cast<std::ptrdiff_t>(t) * options.hop_length - (options.center ? options.n_fft / 2 : 0);
    const auto first = std::clamp<std::ptrdiff_t>(begin, 0, total);
    const auto last = std::clamp<std::ptrdiff_t>(begin + options.n_fft, first, total);
    if (last - first == options.n_fft) {
      multiply(samples.data() + first, window.data(), frame.data(), n_fft);
    } else {
      std::ranges::fill(frame, 0.0f);
      const auto offset = static_cast<std::size_t>(std::max<std::ptrdiff_t>(first - begin, 0));
      if (last > first) {
        multiply(samples.data() + first, window.data() + offset, frame.data() + offset,
                 static_cast<std::size_t>(last - first));
      }
    }
    fft.forward(frame.data(), spectrum.data());
    visit(t, spectrum);
  }
}

}  // namespace

void for_each_power_frame(std::span<const float> samples, const StftOptions& options,
                          const std::function<void(std::size_t, std::span<const float>)>& visit) {
  std::vector<float> power(static_cast<std::size_t>(options.n_fft) / 2 + 1);
  for_each_spectrum(samples, options, [&](std::size_t t, const std::vector<std::complex<float>>& spectrum) {
    squared_magnitude(reinterpret_cast<const float*>(spectrum.data()), power.data(), power.size());
    visit(t, power);
  });
}

Spectrum stft(std::span<const float> samples, int sample_rate, const StftOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0);
  Spectrum result;
  result.bins = static_cast<std::size_t>(options.n_fft) / 2 + 1;
  result.frames = stft_frames(samples.size(), options);
  result.hop = static_cast<double>(options.hop_length) / sample_rate;
  result.data.resize(result.bins * result.frames);
  for_each_spectrum(samples, options, [&](std::size_t t, const std::vector<std::complex<float>>& spectrum) {
    std::ranges::copy(spectrum, result.data.begin() + static_cast<std::ptrdiff_t>(t * result.bins));
  });
  return result;
}

std::vector<float> istft(const Spectrum& spectrum, const StftOptions& options, std::size_t length) {
  const auto n_fft = static_cast<std::size_t>(options.n_fft), hop = static_cast<std::size_t>(options.hop_length);
  EUTERPE_ASSERT(spectrum.bins == n_fft / 2 + 1);
  if (spectrum.frames == 0) return std::vector<float>(length, 0.0f);
  const std::vector<float> window = frame_window(options);
  const std::size_t covered = n_fft + hop * (spectrum.frames - 1), trim = options.center ? n_fft / 2 : 0;
  std::vector<float> sum(covered, 0.0f), weight(covered, 0.0f), frame(n_fft);
  RealFft fft(options.n_fft);
  for (std::size_t t = 0; t < spectrum.frames; ++t) {
    fft.inverse(spectrum.data.data() + t * spectrum.bins, frame.data());
    add_windowed(frame.data(), window.data(), sum.data() + t * hop, n_fft);
    add_windowed(window.data(), window.data(), weight.data() + t * hop, n_fft);
  }
  std::vector<float> samples(length > 0 ? length : covered - 2 * trim, 0.0f);
  const std::size_t filled = std::min(samples.size(), covered - trim);
  for (std::size_t i = 0; i < filled; ++i) {
    const float w = weight[trim + i];
    samples[i] = sum[trim + i] / (w > std::numeric_limits<float>::min() ? w : 1);
  }
  return samples;
}

Matrix magnitude(const Spectrum& spectrum) {
  Matrix result(spectrum.bins, spectrum.frames, spectrum.hop);
  constexpr std::size_t kTile = 16;  // frames read at once, so that each row is written a cache line at a time
  std::vector<float> tile(kTile * spectrum.bins);
  for (std::size_t first = 0; first < spectrum.frames; first += kTile) {
    const std::size_t count = std::min(kTile, spectrum.frames - first);
    absolute(reinterpret_cast<const float*>(spectrum.data.data() + first * spectrum.bins), tile.data(),
             count * spectrum.bins);
    for (std::size_t b = 0; b < spectrum.bins; ++b) {
      float* row = result.row(b).data() + first;
      for (std::size_t i = 0; i < count; ++i) row[i] = tile[i * spectrum.bins + b];
    }
  }
  return result;
}

Matrix power_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0);
  const std::size_t bins = static_cast<std::size_t>(options.n_fft) / 2 + 1;
  Matrix result(bins, stft_frames(samples.size(), options), static_cast<double>(options.hop_length) / sample_rate);

  // Frames come one by one but the matrix is row-major by bin: they are gathered in tiles of one cache line a row.
  constexpr std::size_t kTile = 16;
  std::vector<float> tile(kTile * bins);
  const auto flush = [&](std::size_t first, std::size_t count) {
    for (std::size_t b = 0; b < bins; ++b) {
      float* row = result.data.data() + b * result.frames + first;
      for (std::size_t i = 0; i < count; ++i) row[i] = tile[i * bins + b];
    }
  };
  for_each_power_frame(samples, options, [&](std::size_t t, std::span<const float> power) {
    std::ranges::copy(power, tile.begin() + static_cast<std::ptrdiff_t>((t % kTile) * bins));
    if (t % kTile == kTile - 1 || t + 1 == result.frames) flush(t - t % kTile, t % kTile + 1);
  });
  return result;
}

}  // namespace euterpe
