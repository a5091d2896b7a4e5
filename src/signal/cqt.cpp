#include "signal/cqt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/resample.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr double kSparsity = 0.01;  ///< share of a filter's spectrum (sum of magnitudes) that is dropped
constexpr double kHannBandwidth = 1.50018310546875;  ///< equivalent noise bandwidth in bins, librosa's constant
constexpr std::size_t kTile = 32;                    ///< frames that are filtered together

struct Tap {
  std::uint32_t bin;  ///< counted from Octave::first_bin
  float re, im;
};

struct Octave {
  int n_fft = 0;
  std::size_t first_bin = 0, bins = 0;  ///< the part of the spectrum that any filter looks at
  std::vector<std::vector<Tap>> filters;
};

/// Relative bandwidth of filters spaced evenly in log frequency (librosa's alpha).
double relative_bandwidth(int bins_per_octave) {
  const double step = std::exp2(2.0 / bins_per_octave);
  return (step - 1) / (step + 1);
}

/// Samples of a filter: a whole number of periods that gives each note the same count of cycles.
double filter_length(double hz, double sample_rate, const CqtOptions& options) {
  return options.filter_scale / relative_bandwidth(options.bins_per_octave) * sample_rate / hz;
}

/// One filter in the time domain, centered in n_fft samples: e^{2πi f t} under a Hann window, its magnitudes summing
/// to `gain`.
std::vector<std::complex<double>> wavelet(double hz, double sample_rate, double length, int n_fft, double gain) {
  const double first = std::floor(-length / 2);
  const auto count = static_cast<std::size_t>(std::floor(length / 2) - first);
  const std::size_t left = (static_cast<std::size_t>(n_fft) - count) / 2;
  std::vector<std::complex<double>> filter(static_cast<std::size_t>(n_fft));
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double window =
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(count));
    filter[left + i] = std::polar(window, 2 * std::numbers::pi * (first + static_cast<double>(i)) * hz / sample_rate);
    sum += window;
  }
  for (auto& v : filter) v *= gain / sum;
  return filter;
}

/// Fourier transform of a complex signal at the frequencies ≥ 0, from those of its two parts.
std::vector<std::complex<float>> spectrum_of(const std::vector<std::complex<double>>& signal, RealFft& fft) {
  const std::size_t n = signal.size();
  std::vector<float> part(n);
  std::vector<std::complex<float>> real(n / 2 + 1), imaginary(n / 2 + 1);
  std::ranges::transform(signal, part.begin(), [](auto v) { return static_cast<float>(v.real()); });
  fft.forward(part.data(), real.data());
  std::ranges::transform(signal, part.begin(), [](auto v) { return static_cast<float>(v.imag()); });
  fft.forward(part.data(), imaginary.data());
  for (std::size_t k = 0; k < real.size(); ++k) real[k] += std::complex<float>(0, 1) * imaginary[k];
  return real;
}

/// The smallest magnitude that is kept so that what lies below sums to less than kSparsity of all.
float sparsity_threshold(const std::vector<std::complex<float>>& spectrum) {
  std::vector<float> magnitudes;
  magnitudes.reserve(spectrum.size());
  double total = 0;
  for (const auto& v : spectrum) total += static_cast<double>(magnitudes.emplace_back(std::abs(v)));
  std::ranges::sort(magnitudes);
  double below = 0;
  for (const float m : magnitudes) {
    below += static_cast<double>(m);
    if (below >= kSparsity * total) return m;
  }
  return 0;
}

/// Filters for the frequencies `hz`, lowest first, at a rate lowered to `sample_rate` from `top_rate`.
Octave make_octave(std::span<const double> hz, double sample_rate, double top_rate, const CqtOptions& options) {
  const double longest = filter_length(hz.front(), sample_rate, options);
  constexpr double kLongestFft = 65536;
  if (longest > kLongestFft) {
    throw Error(Category::usage, "cqt",
                fmt::format("a filter at {:.1f} Hz takes {:.0f} samples at {} Hz, more than {:.0f}", hz.front(),
                            longest, sample_rate, kLongestFft),
                "take a hop length with more factors of two, or fewer bins an octave");
  }
  Octave octave;
  octave.n_fft = std::max(32, static_cast<int>(std::bit_ceil(static_cast<unsigned>(std::ceil(longest)))));
  RealFft fft(octave.n_fft);

  std::vector<std::vector<std::complex<float>>> spectra;
  std::vector<float> thresholds;
  std::size_t last = 0;
  octave.first_bin = static_cast<std::size_t>(octave.n_fft);
  for (const double f : hz) {
    const double length = filter_length(f, sample_rate, options), top_length = filter_length(f, top_rate, options);
    const double gain = length / octave.n_fft * std::sqrt(top_rate / sample_rate / top_length);
    spectra.push_back(spectrum_of(wavelet(f, sample_rate, length, octave.n_fft, gain), fft));
    thresholds.push_back(sparsity_threshold(spectra.back()));
    for (std::size_t k = 0; k < spectra.back().size(); ++k) {
      if (std::abs(spectra.back()[k]) < thresholds.back()) continue;
      octave.first_bin = std::min(octave.first_bin, k);
      last = std::max(last, k);
    }
  }
  octave.bins = last + 1 - octave.first_bin;
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    std::vector<Tap>& taps = octave.filters.emplace_back();
    for (std::size_t k = 0; k < spectra[i].size(); ++k) {
      const auto v = spectra[i][k];
      if (std::abs(v) >= thresholds[i]) {
        taps.push_back({static_cast<std::uint32_t>(k - octave.first_bin), v.real(), v.imag()});
      }
    }
  }
  return octave;
}

/// |Σ taps · spectrum| of kTile frames; spectra lie as [bin × kTile], parts apart.
EUTERPE_HOT void filter_tile(const Tap* taps, std::size_t count, const float* re, const float* im, float* magnitude) {
  std::array<float, kTile> x{}, y{};
  for (std::size_t i = 0; i < count; ++i) {
    const float a = taps[i].re, b = taps[i].im;
    const float* r = re + taps[i].bin * kTile;
    const float* m = im + taps[i].bin * kTile;
    for (std::size_t j = 0; j < kTile; ++j) {
      x[j] += a * r[j] - b * m[j];
      y[j] += a * m[j] + b * r[j];
    }
  }
  for (std::size_t j = 0; j < kTile; ++j) magnitude[j] = __builtin_sqrtf(x[j] * x[j] + y[j] * y[j]);
}

/// Rows first_row … of `result` from the frames of one octave's signal.
void respond(std::span<const float> signal, int hop, const Octave& octave, std::size_t first_row, Matrix& result) {
  const auto n = static_cast<std::ptrdiff_t>(octave.n_fft), total = static_cast<std::ptrdiff_t>(signal.size());
  RealFft fft(octave.n_fft);
  std::vector<float> frame(static_cast<std::size_t>(n)), re(octave.bins * kTile), im(octave.bins * kTile);
  std::vector<std::complex<float>> spectrum(static_cast<std::size_t>(n) / 2 + 1);
  std::array<float, kTile> magnitude;
  for (std::size_t begin = 0; begin < result.frames; begin += kTile) {
    const std::size_t count = std::min(kTile, result.frames - begin);
    for (std::size_t j = 0; j < count; ++j) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(begin + j) * hop - n / 2;
      const float* samples = frame.data();
      if (at >= 0 && at + n <= total) {
        samples = signal.data() + at;
      } else {
        std::ranges::fill(frame, 0.0f);
        const auto first = std::clamp<std::ptrdiff_t>(at, 0, total),
                   last = std::clamp<std::ptrdiff_t>(at + n, 0, total);
        if (last > first) std::copy(signal.data() + first, signal.data() + last, frame.data() + (first - at));
      }
      fft.forward(samples, spectrum.data());
      for (std::size_t k = 0; k < octave.bins; ++k) {
        re[k * kTile + j] = spectrum[octave.first_bin + k].real();
        im[k * kTile + j] = spectrum[octave.first_bin + k].imag();
      }
    }
    for (std::size_t i = 0; i < octave.filters.size(); ++i) {
      filter_tile(octave.filters[i].data(), octave.filters[i].size(), re.data(), im.data(), magnitude.data());
      std::copy_n(magnitude.begin(), count, result.row(first_row + i).begin() + static_cast<std::ptrdiff_t>(begin));
    }
  }
}

/// How often the rate can be halved before the highest octave, whose filters still fit well below the lower half rate.
int early_halvings(double half_rate, double highest, int hop_length, int octaves) {
  const int by_frequency = static_cast<int>(std::ceil(std::log2(half_rate / highest))) - 2;
  const int by_hop = std::countr_zero(static_cast<unsigned>(hop_length)) - octaves + 1;
  return std::max(0, std::min(by_frequency, by_hop));
}

}  // namespace

Matrix cqt_magnitude(std::span<const float> samples, int sample_rate, const CqtOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0 && options.hop_length > 0 && options.fmin > 0 && options.n_bins > 0);
  EUTERPE_ASSERT(options.bins_per_octave > 0 && options.filter_scale > 0);
  const auto bins = static_cast<std::size_t>(options.n_bins);
  const auto per_octave = std::min(bins, static_cast<std::size_t>(options.bins_per_octave));
  std::vector<double> hz(bins);
  for (std::size_t i = 0; i < bins; ++i) {
    hz[i] = options.fmin * std::exp2((options.tuning + static_cast<double>(i)) / options.bins_per_octave);
  }
  const double q = options.filter_scale / relative_bandwidth(options.bins_per_octave);
  const double highest = hz.back() * (1 + 0.5 * kHannBandwidth / q);
  if (highest > sample_rate / 2.0) {
    throw Error(Category::usage, "cqt",
                fmt::format("the highest filter reaches to {:.0f} Hz, beyond half the sample rate of {} Hz", highest,
                            sample_rate),
                "ask for fewer bins or a lower fmin");
  }
  const int octaves = static_cast<int>((bins + per_octave - 1) / per_octave);
  const int early = early_halvings(sample_rate / 2.0, highest, options.hop_length, octaves);

  std::vector<float> lowered;
  std::span<const float> signal = samples;
  int hop = options.hop_length >> early;
  double rate = std::ldexp(sample_rate, -early);
  const double top_rate = rate;
  const auto lower = [&](int halvings) {
    lowered = decimate(signal, 1 << halvings);
    const auto gain = static_cast<float>(std::sqrt(1 << halvings));
    for (float& v : lowered) v *= gain;
    signal = lowered;
  };
  if (early > 0) lower(early);

  Matrix result(bins, 1 + signal.size() / static_cast<std::size_t>(hop),
                static_cast<double>(options.hop_length) / sample_rate);
  // An octave lower at half the rate a filter is the same list of numbers.
  Octave octave;
  bool same = false;
  for (std::size_t end = bins; end > 0;) {
    const std::size_t begin = end - std::min(end, per_octave);
    if (!same || end - begin < per_octave) {
      octave = make_octave({hz.data() + begin, end - begin}, rate, top_rate, options);
    }
    respond(signal, hop, octave, begin, result);
    end = begin;
    same = hop % 2 == 0;
    if (end > 0 && same) {
      hop /= 2;
      rate /= 2;
      lower(1);
    }
  }
  return result;
}

}  // namespace euterpe
