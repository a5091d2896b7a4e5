#include "signal/hpss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/median_filter.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

/// Frames at once: the medians of so many lie in the second-level cache until the masks are made of them.
constexpr std::size_t kFramesAtOnce = 128;

struct Masks {
  float power, margin_harmonic, margin_percussive, of_silence;
};

/// x^p / (x^p + r^p) with both scaled by the greater one first, which neither overflows nor underflows.
inline __attribute__((always_inline)) float soft_mask(float x, float reference, float of_silence) {
  const float greater = x > reference ? x : reference;
  const bool silent = greater < std::numeric_limits<float>::min();
  const float scale = 1.0f / (silent ? 1.0f : greater);
  const float a = x * scale * (x * scale), b = reference * scale * (reference * scale);
  return silent ? of_silence : a / (a + b);
}

/// harmonic and percussive: medians in, parts of `magnitude` out. For a power of 2, the default.
EUTERPE_HOT void separate_squared(const float* magnitude, const Masks& masks, std::size_t n, float* harmonic,
                                  float* percussive) {
  const Masks m = masks;
  for (std::size_t i = 0; i < n; ++i) {
    const float h = harmonic[i], p = percussive[i], s = magnitude[i];
    harmonic[i] = s * soft_mask(h, p * m.margin_harmonic, m.of_silence);
    percussive[i] = s * soft_mask(p, h * m.margin_percussive, m.of_silence);
  }
}

float mask_of_power(float x, float reference, const Masks& masks) {
  if (std::isinf(masks.power)) return x > reference ? 1.0f : 0.0f;
  const float greater = std::max(x, reference);
  if (greater < std::numeric_limits<float>::min()) return masks.of_silence;
  const float a = std::pow(x / greater, masks.power), b = std::pow(reference / greater, masks.power);
  return a / (a + b);
}

void check(const HpssOptions& o) {
  const auto refuse = [](const char* name, auto value, const char* range) {
    throw Error(Category::usage, "hpss", fmt::format("{} is {}", name, value), fmt::format("give {}", range));
  };
  constexpr int kMost = 4095;
  if (o.kernel_harmonic < 1 || o.kernel_harmonic > kMost) refuse("kernel_harmonic", o.kernel_harmonic, "1 to 4095");
  if (o.kernel_percussive < 1 || o.kernel_percussive > kMost)
    refuse("kernel_percussive", o.kernel_percussive, "1 to 4095");
  if (!(o.power > 0)) refuse("power", o.power, "a number above 0");
  if (!(o.margin_harmonic >= 1)) refuse("margin_harmonic", o.margin_harmonic, "1 or more");
  if (!(o.margin_percussive >= 1)) refuse("margin_percussive", o.margin_percussive, "1 or more");
}

}  // namespace

HarmonicPercussive hpss(const Matrix& magnitude, const HpssOptions& options) {
  check(options);
  HarmonicPercussive parts{Matrix(magnitude.bins, magnitude.frames, magnitude.hop),
                           Matrix(magnitude.bins, magnitude.frames, magnitude.hop)};
  const bool split_silence = options.margin_harmonic == 1 && options.margin_percussive == 1;
  const Masks masks{static_cast<float>(options.power), static_cast<float>(options.margin_harmonic),
                    static_cast<float>(options.margin_percussive), split_silence ? 0.5f : 0.0f};
  std::vector<float> harmonic(magnitude.bins * std::min(kFramesAtOnce, magnitude.frames)), percussive(harmonic.size());
  for (std::size_t begin = 0; begin < magnitude.frames; begin += kFramesAtOnce) {
    const std::size_t end = std::min(magnitude.frames, begin + kFramesAtOnce), n = end - begin;
    median_along_time(magnitude, options.kernel_harmonic, begin, end, harmonic.data());
    median_along_frequency(magnitude, options.kernel_percussive, begin, end, percussive.data());
    for (std::size_t bin = 0; bin < magnitude.bins; ++bin) {
      float* h = &harmonic[bin * n];
      float* p = &percussive[bin * n];
      const float* s = magnitude.row(bin).data() + begin;
      if (options.power == 2) {
        separate_squared(s, masks, n, h, p);
      } else {
        for (std::size_t i = 0; i < n; ++i) {
          const float both[] = {mask_of_power(h[i], p[i] * masks.margin_harmonic, masks),
                                mask_of_power(p[i], h[i] * masks.margin_percussive, masks)};
          h[i] = s[i] * both[0];
          p[i] = s[i] * both[1];
        }
      }
      std::copy_n(h, n, parts.harmonic.row(bin).data() + begin);
      std::copy_n(p, n, parts.percussive.row(bin).data() + begin);
    }
  }
  return parts;
}

HarmonicPercussiveAudio hpss(std::span<const float> samples, const HpssOptions& options) {
  check(options);
  constexpr std::size_t kPiece = 1024;  ///< frames
  StftOptions stft_options;
  const std::size_t frames = stft_frames(samples.size(), stft_options);
  const auto hop = static_cast<std::size_t>(stft_options.hop_length);
  const auto length = static_cast<std::size_t>(stft_options.n_fft);
  // What a frame's median reaches, and the frames that share samples with it.
  const std::size_t context = static_cast<std::size_t>(options.kernel_harmonic) / 2 + length / hop;
  stft_options.center = false;  // each piece is padded here, as the whole would be
  HarmonicPercussiveAudio audio{std::vector<float>(samples.size()), std::vector<float>(samples.size())};
  for (std::size_t begin = 0; begin < frames; begin += kPiece) {
    const std::size_t end = std::min(frames, begin + kPiece);
    const std::size_t first = begin - std::min(begin, context), last = std::min(frames, end + context);
    std::vector<float> piece((last - first - 1) * hop + length, 0.0f);
    const std::size_t lead = length / 2;  // the piece's sample i is sample first · hop + i − lead of the whole
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const std::size_t at = first * hop + i;
      if (at >= lead && at - lead < samples.size()) piece[i] = samples[at - lead];
    }
    const Spectrum spectrum = stft(piece, 1, stft_options);
    const Matrix whole = magnitude(spectrum);
    const HarmonicPercussive parts = hpss(whole, options);
    const auto put = [&](const Matrix& part, std::vector<float>& out) {
      Spectrum scaled = spectrum;
      for (std::size_t bin = 0; bin < whole.bins; ++bin) {
        for (std::size_t t = 0; t < whole.frames; ++t) {
          const float all = whole.at(bin, t);
          scaled.at(bin, t) *= all > 0 ? part.at(bin, t) / all : 0.0f;
        }
      }
      const std::vector<float> wave = istft(scaled, stft_options, piece.size());
      const std::size_t from = begin * hop, to = end == frames ? samples.size() : std::min(samples.size(), end * hop);
      for (std::size_t i = from; i < to; ++i)
        if (i + lead - first * hop < wave.size()) out[i] = wave[i + lead - first * hop];
    };
    put(parts.harmonic, audio.harmonic);
    put(parts.percussive, audio.percussive);
  }
  return audio;
}

}  // namespace euterpe
