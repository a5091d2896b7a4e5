#include "signal/audio_features.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

/// Values and their names grow together, so that neither can be out of step with the other.
class Vector {
 public:
  void add(std::string name, double value) {
    names_.push_back(std::move(name));
    values_.push_back(std::isfinite(value) ? static_cast<float>(std::clamp(value, -1e6, 1e6)) : 0.0f);
  }
  std::vector<float> values_;
  std::vector<std::string> names_;
};

struct Moments {
  double mean = 0, deviation = 0, skewness = 0, change = 0;  // change: mean absolute difference of neighbors
};

Moments moments(std::span<const float> series) {
  Moments m;
  if (series.empty()) return m;
  const auto n = static_cast<double>(series.size());
  for (const float v : series) m.mean += static_cast<double>(v);
  m.mean /= n;
  double second = 0, third = 0;
  for (const float v : series) {
    const double d = static_cast<double>(v) - m.mean;
    second += d * d;
    third += d * d * d;
  }
  m.deviation = std::sqrt(second / n);
  if (m.deviation > 1e-9 * (1 + std::abs(m.mean))) m.skewness = third / n / std::pow(m.deviation, 3);
  for (std::size_t i = 1; i < series.size(); ++i) {
    m.change += std::abs(static_cast<double>(series[i]) - static_cast<double>(series[i - 1]));
  }
  if (series.size() > 1) m.change /= n - 1;
  return m;
}

/// The values below which the given shares of the series lie.
template <std::size_t N>
std::array<double, N> quantiles(std::span<const float> series, const std::array<double, N>& shares) {
  std::array<double, N> result{};
  if (series.empty()) return result;
  std::vector<float> sorted(series.begin(), series.end());
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < N; ++i) {
    result[i] = static_cast<double>(
        sorted[static_cast<std::size_t>(std::lround(shares[i] * static_cast<double>(sorted.size() - 1)))]);
  }
  return result;
}

void add_shape(Vector& out, const std::string& name, std::span<const float> series) {
  const Moments m = moments(series);
  const auto q = quantiles<2>(series, {0.1, 0.9});
  out.add(name + "_mean", m.mean);
  out.add(name + "_deviation", m.deviation);
  out.add(name + "_skewness", m.skewness);
  out.add(name + "_change", m.change);
  out.add(name + "_p10", q[0]);
  out.add(name + "_p90", q[1]);
}

std::vector<float> mapped(std::span<const float> series, double (*f)(double)) {
  std::vector<float> result(series.size());
  std::ranges::transform(series, result.begin(),
                         [f](float v) { return static_cast<float>(f(static_cast<double>(v))); });
  return result;
}

double octaves_above_100(double hz) { return std::log2(std::max(hz, 20.0) / 100); }

void add_timbre(Vector& out, const FrameDescriptors& f) {
  for (std::size_t c = 0; c < f.mfcc.bins; ++c) {
    const Moments m = moments(f.mfcc.row(c));
    const std::string name = "mfcc" + std::to_string(c);
    out.add(name + "_mean", m.mean);
    out.add(name + "_deviation", m.deviation);
    out.add(name + "_change", m.change);
    if (c < 13) out.add(name + "_skewness", m.skewness);
  }
  for (std::size_t b = 0; b < f.contrast.bins; ++b) {
    const Moments m = moments(f.contrast.row(b));
    out.add("contrast" + std::to_string(b) + "_mean", m.mean);
    out.add("contrast" + std::to_string(b) + "_deviation", m.deviation);
  }
  // Frequency is heard in octaves and power in decibels, so the shape of the spectrum is described in those.
  add_shape(out, "centroid", mapped(f.centroid, octaves_above_100));
  add_shape(out, "bandwidth", mapped(f.bandwidth, octaves_above_100));
  add_shape(out, "rolloff", mapped(f.rolloff, octaves_above_100));
  add_shape(out, "flatness", mapped(f.flatness, [](double v) { return std::log10(std::max(v, 1e-10)); }));
  add_shape(out, "zero_crossings", mapped(f.zero_crossings, [](double v) { return std::sqrt(v); }));
}

void add_dynamics(Vector& out, const FrameDescriptors& f) {
  const auto level = mapped(f.rms, [](double v) { return 20 * std::log10(std::max(v, 1e-5)); });
  const Moments m = moments(level);
  const auto q = quantiles<5>(level, {0.05, 0.25, 0.5, 0.75, 0.95});
  out.add("level_median", q[2]);
  out.add("level_deviation", m.deviation);
  out.add("level_skewness", m.skewness);
  out.add("level_change", m.change);
  out.add("level_range_90", q[4] - q[0]);
  out.add("level_range_50", q[3] - q[1]);
  const Moments linear = moments(f.rms);
  const auto quiet = std::ranges::count_if(f.rms, [&](float v) { return static_cast<double>(v) < linear.mean / 2; });
  out.add("quiet_share", f.rms.empty() ? 0 : static_cast<double>(quiet) / static_cast<double>(f.rms.size()));
}

/// How strongly the level of each frequency band moves up and down, by rate: deviation in dB within octaves of the
/// modulation spectrum from 0.17 to 21.5 Hz (cf. Pampalk 2001, fluctuation patterns). Windows of 6 s, half overlapped.
void add_modulation(Vector& out, const FrameDescriptors& f) {
  constexpr int kWindow = 256;
  constexpr std::size_t kOctaves = 7;  // bins 1, 2–3, 4–7 … 64–127
  RealFft fft(kWindow);
  const std::vector<float> window = hann_window(kWindow);
  std::vector<float> frame(kWindow);
  std::vector<std::complex<float>> spectrum(kWindow / 2 + 1);
  for (std::size_t b = 0; b < f.bands.bins; ++b) {
    const auto row = f.bands.row(b);
    std::array<double, kOctaves> energy{};
    std::size_t windows = 0;
    for (std::size_t begin = 0; begin == 0 || begin + kWindow <= row.size(); begin += kWindow / 2, ++windows) {
      const std::size_t n = std::min<std::size_t>(kWindow, row.size() - begin);
      double mean = 0;
      for (std::size_t i = 0; i < n; ++i) mean += static_cast<double>(row[begin + i]) / static_cast<double>(n);
      std::ranges::fill(frame, 0.0f);
      for (std::size_t i = 0; i < n; ++i) frame[i] = (row[begin + i] - static_cast<float>(mean)) * window[i];
      fft.forward(frame.data(), spectrum.data());
      for (std::size_t o = 0; o < kOctaves; ++o) {
        for (std::size_t k = std::size_t{1} << o; k < std::size_t{2} << o; ++k) {
          energy[o] += static_cast<double>(std::norm(spectrum[k]));
        }
      }
    }
    // Parseval: twice the one-sided sum over window length times window energy (3/8 of the length for Hann).
    const double scale = 2.0 / (kWindow * 0.375 * kWindow * static_cast<double>(std::max<std::size_t>(windows, 1)));
    for (std::size_t o = 0; o < kOctaves; ++o) {
      out.add("modulation_band" + std::to_string(b) + "_octave" + std::to_string(o),
              std::log10(0.01 + std::sqrt(energy[o] * scale)));
    }
  }
}

void add_rhythm(Vector& out, const FrameDescriptors& f) {
  const Moments m = moments(f.onset);
  out.add("onset_mean", m.mean);
  out.add("onset_deviation", m.deviation);
  out.add("onset_skewness", m.skewness);
  out.add("onset_peak", f.onset.empty() ? 0 : quantiles<1>(f.onset, {0.98})[0]);
  const auto onsets = onset_frames(f.onset, FrameDescriptors::kHopSeconds);
  out.add("onsets_per_second", f.seconds > 0.5 ? static_cast<double>(onsets.size()) / f.seconds : 0);
  const TempoEstimate tempo = estimate_tempo(f.onset, FrameDescriptors::kHopSeconds);
  out.add("tempo_octaves", tempo.bpm > 0 ? std::log2(tempo.bpm / 120) : 0);
  out.add("tempo_confidence", tempo.confidence);
  // Beat histogram: the greatest autocorrelation in thirds of an octave of periods from 0.19 to 2.4 s.
  constexpr int kThirds = 11;
  constexpr double kShortest = 0.19;
  const auto r = onset_autocorrelation(f.onset, 110);
  double total = 0, strongest = 0;
  for (int k = 0; k < kThirds; ++k) {
    const auto lag = [&](int third) {
      return static_cast<std::size_t>(std::lround(kShortest * std::exp2(third / 3.0) / FrameDescriptors::kHopSeconds));
    };
    double greatest = -1;
    for (std::size_t i = lag(k); i < std::max(lag(k + 1), lag(k) + 1); ++i) {
      greatest = std::max(greatest, static_cast<double>(r[i]));
    }
    out.add("beat_histogram" + std::to_string(k), greatest);
    total += std::max(greatest, 0.0);
    strongest = std::max(strongest, greatest);
  }
  out.add("pulse_peakedness", total > 0 ? strongest / total : 0);
}

std::array<double, 12> mean_chroma(const FrameDescriptors& f) {
  std::array<double, 12> mean{};
  // Loud frames say more about the key than fading ones: each is weighted by its level.
  double weight = 0;
  for (std::size_t t = 0; t < f.frames(); ++t) {
    for (std::size_t c = 0; c < 12; ++c) {
      mean[c] += static_cast<double>(f.chroma.at(c, t)) * static_cast<double>(f.rms[t]);
    }
    weight += static_cast<double>(f.rms[t]);
  }
  for (double& v : mean) v = weight > 0 ? v / weight : 0;
  return mean;
}

void add_harmony(Vector& out, const FrameDescriptors& f) {
  const auto mean = mean_chroma(f);
  const KeyEstimate key = estimate_key(mean);
  const auto tonic = static_cast<std::size_t>(key.tonic);
  double sum = 0;
  for (const double v : mean) sum += v;
  for (std::size_t c = 0; c < 12; ++c) {
    out.add("degree" + std::to_string(c), sum > 0 ? mean[(tonic + c) % 12] / sum : 0);
  }
  out.add("key_confidence", key.confidence);
  out.add("minor", key.minor ? 1 : 0);
  // Interval classes that sound together, and how much the sounding classes change from one tenth of a second to the
  // next: both unmoved by transposition.
  std::array<double, 7> together{};
  std::vector<float> entropy;
  double flux = 0;
  for (std::size_t t = 0; t < f.frames(); ++t) {
    double total = 0, spread = 0;
    for (std::size_t c = 0; c < 12; ++c) total += static_cast<double>(f.chroma.at(c, t));
    if (total <= 0) continue;
    for (std::size_t c = 0; c < 12; ++c) {
      const double p = static_cast<double>(f.chroma.at(c, t)) / total;
      if (p > 0) spread -= p * std::log2(p);
      for (std::size_t i = 0; i < together.size(); ++i) {
        together[i] += p * static_cast<double>(f.chroma.at((c + i) % 12, t)) / total;
      }
      if (t >= 4) {
        flux += std::abs(static_cast<double>(f.chroma.at(c, t)) - static_cast<double>(f.chroma.at(c, t - 4)));
      }
    }
    entropy.push_back(static_cast<float>(spread));
  }
  const double frames = std::max<double>(1, static_cast<double>(entropy.size()));
  for (std::size_t i = 1; i < together.size(); ++i) {
    out.add("interval_class" + std::to_string(i), together[0] > 0 ? together[i] / together[0] : 0);
  }
  const Moments m = moments(entropy);
  out.add("chroma_entropy_mean", m.mean);
  out.add("chroma_entropy_deviation", m.deviation);
  out.add("chroma_change", flux / frames);
  out.add("detuning", std::abs(f.tuning));
}

Vector build(const FrameDescriptors& frames) {
  Vector out;
  add_timbre(out, frames);
  add_dynamics(out, frames);
  add_modulation(out, frames);
  add_rhythm(out, frames);
  add_harmony(out, frames);
  return out;
}

}  // namespace

KeyEstimate estimate_key(const FrameDescriptors& frames) { return estimate_key(mean_chroma(frames)); }

std::vector<float> audio_features(const FrameDescriptors& frames) { return build(frames).values_; }

std::vector<float> audio_features(const AudioBuffer& audio) {
  EUTERPE_ASSERT(audio.channels == 1 && audio.sample_rate == FrameDescriptors::kSampleRate);
  return audio_features(frame_descriptors(audio.channel(0)));
}

const std::vector<std::string>& audio_feature_names() {
  static const std::vector<std::string> names = build(frame_descriptors({})).names_;
  return names;
}

}  // namespace euterpe
