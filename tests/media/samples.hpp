#pragma once
/// Small inputs that the tests of this room make for themselves.
#include <unistd.h>

#include <cmath>
#include <complex>
#include <filesystem>
#include <numbers>
#include <string>

#include "media/audio_buffer.hpp"

namespace euterpe::test {

/// A folder of its own, gone with the object.
class Folder {
 public:
  Folder() {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("euterpe-media-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline AudioBuffer sine(double hertz, double seconds, int sample_rate = 44100, double amplitude = 0.5,
                        int channels = 1) {
  AudioBuffer audio{sample_rate, channels, {}};
  const auto n = static_cast<std::size_t>(seconds * sample_rate);
  for (int c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < n; ++i) {
      const double t = static_cast<double>(i) / sample_rate;
      audio.samples.push_back(static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hertz * t)));
    }
  }
  return audio;
}

/// A sweep from `low` to `high` Hz: no two moments alike, so that a shift cannot hide.
inline AudioBuffer sweep(double low, double high, double seconds, int sample_rate, int channels = 1) {
  AudioBuffer audio{sample_rate, channels, {}};
  const auto n = static_cast<std::size_t>(seconds * sample_rate);
  const double rate = std::log(high / low) / seconds;
  for (int c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < n; ++i) {
      const double t = static_cast<double>(i) / sample_rate;
      const double phase = 2 * std::numbers::pi * low * (std::exp(rate * t) - 1) / rate;
      audio.samples.push_back(static_cast<float>(0.4 / (c + 1) * std::sin(phase)));
    }
  }
  return audio;
}

/// Amplitude of one frequency in `samples` (a Hann-windowed Fourier sum).
inline double amplitude_at(std::span<const float> samples, double hertz, int sample_rate) {
  std::complex<double> sum = 0;
  const double n = static_cast<double>(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double window = 1 - std::cos(2 * std::numbers::pi * static_cast<double>(i) / n);
    sum += window * samples[i] * std::polar(1.0, -2 * std::numbers::pi * hertz * static_cast<double>(i) / sample_rate);
  }
  return 2 * std::abs(sum) / n;
}

/// Signal-to-noise ratio in dB of `got` as a copy of `wanted`, at the shift (up to `reach` samples) that suits best.
inline double snr(std::span<const float> wanted, std::span<const float> got, int reach) {
  double best = -1e9;
  for (int shift = -reach; shift <= reach; ++shift) {
    double signal = 0, noise = 0;
    for (std::size_t i = static_cast<std::size_t>(reach) + 2000; i + reach + 2000 < wanted.size(); i += 3) {
      const std::size_t j = i + static_cast<std::size_t>(shift);
      if (j >= got.size()) break;
      signal += static_cast<double>(wanted[i]) * wanted[i];
      noise += std::pow(static_cast<double>(wanted[i]) - got[j], 2);
    }
    best = std::max(best, 10 * std::log10(signal / std::max(noise, 1e-20)));
  }
  return best;
}

}  // namespace euterpe::test
