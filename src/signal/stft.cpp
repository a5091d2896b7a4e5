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
#include "signal/kernels.hpp"
#include "signal/stft_strips.hpp"

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

constexpr std::size_t kLanes = StftStrips::kLanes;
using lanes::Floats;
using lanes::kBlock;

/// Writes the spectra of `count` frames of a strip one after the other.
EUTERPE_HOT void to_frames(const float* re, const float* im, std::size_t bins, std::size_t count, float* out) {
  for (std::size_t lane = 0; lane < count; lane += kBlock) {
    const std::size_t frames = count - lane < kBlock ? count - lane : kBlock;
    float* target = out + lane * bins * 2;
    std::size_t b = 0;
    for (; b + kBlock <= bins; b += kBlock) {
      Floats real[kBlock], imaginary[kBlock];
      for (std::size_t i = 0; i < kBlock; ++i) {
        real[i] = *reinterpret_cast<const Floats*>(re + (b + i) * kLanes + lane);
        imaginary[i] = *reinterpret_cast<const Floats*>(im + (b + i) * kLanes + lane);
      }
      lanes::transpose(real);
      lanes::transpose(imaginary);
      for (std::size_t l = 0; l < frames; ++l) {
        auto* to = reinterpret_cast<Floats*>(target + (l * bins + b) * 2);
        lanes::interleave(real[l], imaginary[l], to[0], to[1]);
      }
    }
    for (; b < bins; ++b) {
      for (std::size_t l = 0; l < frames; ++l) {
        target[(l * bins + b) * 2] = re[b * kLanes + lane + l];
        target[(l * bins + b) * 2 + 1] = im[b * kLanes + lane + l];
      }
    }
  }
}

/// The inverse of a Hermitian spectrum is the Hartley transform of Re − Im, which a forward transform gives too
/// (Bracewell 1984): from F, the transform of that sequence, sample j is Re F(j) − Im F(j), and n − j their sum.
EUTERPE_HOT void hartley_input(const std::complex<float>* spectrum, std::size_t half, float* sequence) {
  sequence[0] = spectrum[0].real();
  sequence[half] = spectrum[half].real();
  for (std::size_t k = 1; k < half; ++k) {
    const float re = spectrum[k].real(), im = spectrum[k].imag();
    sequence[k] = re - im;
    sequence[2 * half - k] = re + im;
  }
}

/// Writes the frames of one half of a strip after each other, [kBlock × n].
EUTERPE_HOT void hartley_output(const float* re, const float* im, std::size_t half, float* frames) {
  const std::size_t n = 2 * half;
  std::size_t j = 0;
  for (; j + kBlock <= half; j += kBlock) {
    Floats rising[kBlock], falling[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      const Floats a = *reinterpret_cast<const Floats*>(re + (j + i) * kLanes);
      const Floats b = *reinterpret_cast<const Floats*>(im + (j + i) * kLanes);
      rising[i] = a - b;
      falling[kBlock - 1 - i] = a + b;
    }
    lanes::transpose(rising);
    lanes::transpose(falling);
    for (std::size_t l = 0; l < kBlock; ++l) {
      *reinterpret_cast<Floats*>(frames + l * n + j) = rising[l];
      // Sample n − j stands last of the eight; there is none for j = 0.
      if (j > 0) {
        *reinterpret_cast<Floats*>(frames + l * n + n - j - kBlock + 1) = falling[l];
      } else {
        for (std::size_t i = 0; i + 1 < kBlock; ++i) frames[l * n + n - kBlock + 1 + i] = falling[l][i];
      }
    }
  }
  for (; j <= half; ++j) {
    for (std::size_t l = 0; l < kBlock; ++l) {
      frames[l * n + j] = re[j * kLanes + l] - im[j * kLanes + l];
      if (j > 0) frames[l * n + n - j] = re[j * kLanes + l] + im[j * kLanes + l];
    }
  }
}

EUTERPE_HOT void add_product(const float* x, const float* y, float* sum, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += x[i] * y[i];
}

EUTERPE_HOT void deinterleave(const float* interleaved, float* re, float* im, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    re[i] = interleaved[2 * i];
    im[i] = interleaved[2 * i + 1];
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

std::vector<double> stft_window(const StftOptions& options) {
  const int length = options.win_length > 0 ? options.win_length : options.n_fft;
  std::vector<double> window(static_cast<std::size_t>(options.n_fft), 0.0);
  double* begin = window.data() + (options.n_fft - length) / 2;
  for (int i = 0; i < length; ++i) begin[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / length);
  return window;
}

namespace {

Matrix empty_spectrogram(std::size_t samples, int sample_rate, const StftOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0);
  return Matrix(static_cast<std::size_t>(options.n_fft) / 2 + 1, stft_frames(samples, options),
                static_cast<double>(options.hop_length) / sample_rate);
}

}  // namespace

Spectrum stft(std::span<const float> samples, int sample_rate, const StftOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0);
  StftStrips strips(options);
  Spectrum result;
  result.bins = strips.bins();
  result.frames = stft_frames(samples.size(), options);
  result.hop = static_cast<double>(options.hop_length) / sample_rate;
  result.data.resize(result.bins * result.frames);
  strips.for_each(samples, [&](std::size_t first, std::size_t count) {
    to_frames(strips.re(), strips.im(), result.bins, count,
              reinterpret_cast<float*>(result.data.data() + first * result.bins));
  });
  return result;
}

std::vector<float> istft(const Spectrum& spectrum, const StftOptions& options, std::size_t length) {
  const auto n_fft = static_cast<std::size_t>(options.n_fft), hop = static_cast<std::size_t>(options.hop_length);
  const std::size_t half = n_fft / 2;
  checked_stft(options);
  EUTERPE_ASSERT(spectrum.bins == half + 1);
  if (spectrum.frames == 0) return std::vector<float>(length, 0.0f);
  const std::vector<double> exact = stft_window(options);
  const std::vector<float> window(exact.begin(), exact.end());
  FrameFft fft(options.n_fft, std::vector<double>(n_fft, 1.0 / options.n_fft));
  std::vector<float> sequences(kLanes * n_fft, 0.0f);
  std::vector<lanes::Row> re(half + 1), im(half + 1);

  const std::size_t covered = n_fft + hop * (spectrum.frames - 1), trim = options.center ? half : 0;
  std::vector<float> sum(covered, 0.0f), weight(covered, 0.0f);
  for (std::size_t first = 0; first < spectrum.frames; first += kLanes) {
    const std::size_t count = std::min(kLanes, spectrum.frames - first);
    for (std::size_t l = 0; l < count; ++l) {
      hartley_input(spectrum.data.data() + (first + l) * spectrum.bins, half, sequences.data() + l * n_fft);
    }
    fft.forward(sequences.data(), n_fft, re.front().value, im.front().value);
    for (std::size_t l = 0; l < kLanes; l += kBlock) {
      hartley_output(re.front().value + l, im.front().value + l, half, sequences.data() + l * n_fft);
    }
    for (std::size_t l = 0; l < count; ++l) {
      add_product(sequences.data() + l * n_fft, window.data(), sum.data() + (first + l) * hop, n_fft);
      add_product(window.data(), window.data(), weight.data() + (first + l) * hop, n_fft);
    }
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
  const std::size_t n = kLanes * spectrum.bins;  // frames read at once, so that a row is written a cache line at a time
  std::vector<float> re(n), im(n), tile(n);
  for (std::size_t first = 0; first < spectrum.frames; first += kLanes) {
    const std::size_t count = std::min(kLanes, spectrum.frames - first);
    deinterleave(reinterpret_cast<const float*>(spectrum.data.data() + first * spectrum.bins), re.data(), im.data(),
                 count * spectrum.bins);
    kernels::magnitudes(re.data(), im.data(), tile.data(), count * spectrum.bins);
    for (std::size_t b = 0; b < spectrum.bins; ++b) {
      float* row = result.row(b).data() + first;
      for (std::size_t i = 0; i < count; ++i) row[i] = tile[i * spectrum.bins + b];
    }
  }
  return result;
}

Matrix magnitude_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options) {
  StftStrips strips(options);
  Matrix result = empty_spectrogram(samples.size(), sample_rate, options);
  strips.for_each(samples,
                  [&](std::size_t first, std::size_t count) { put_strip(strips.magnitude(), first, count, result); });
  return result;
}

Matrix power_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options) {
  StftStrips strips(options);
  Matrix result = empty_spectrogram(samples.size(), sample_rate, options);
  strips.for_each(samples,
                  [&](std::size_t first, std::size_t count) { put_strip(strips.power(), first, count, result); });
  return result;
}

void for_each_power_frame(std::span<const float> samples, const StftOptions& options,
                          const std::function<void(std::size_t, std::span<const float>)>& visit) {
  StftStrips strips(options);
  std::vector<float> frame(strips.bins());
  strips.for_each(samples, [&](std::size_t first, std::size_t count) {
    const float* power = strips.power();
    for (std::size_t l = 0; l < count; ++l) {
      for (std::size_t b = 0; b < frame.size(); ++b) frame[b] = power[b * kLanes + l];
      visit(first + l, frame);
    }
  });
}

}  // namespace euterpe
