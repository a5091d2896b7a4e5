#include "signal/stft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/random.hpp"
#include "signal/reference.hpp"

namespace euterpe {
namespace {

std::vector<float> noise(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> samples(n);
  for (float& s : samples) s = static_cast<float>(random.normal());
  return samples;
}

TEST(RealFft, equals_the_definition_of_the_discrete_fourier_transform) {
  for (const int n : {32, 256, 1024}) {
    const auto in = noise(static_cast<std::size_t>(n), 1);
    std::vector<std::complex<float>> out(static_cast<std::size_t>(n) / 2 + 1);
    RealFft(n).forward(in.data(), out.data());
    for (int k = 0; k <= n / 2; k += 4) {
      std::complex<double> sum = 0;
      for (int i = 0; i < n; ++i) {
        sum += static_cast<double>(in[static_cast<std::size_t>(i)]) *
               std::polar(1.0, -2 * std::numbers::pi * (k * i % n) / n);
      }
      EXPECT_LT(std::abs(sum - std::complex<double>(out[static_cast<std::size_t>(k)])), 1e-5 * n);
    }
  }
}

TEST(RealFft, inverse_gives_back_the_samples_at_every_length) {
  for (int n = 32; n <= 65536; n *= 2) {
    const auto in = noise(static_cast<std::size_t>(n), 2);
    std::vector<std::complex<float>> bins(static_cast<std::size_t>(n) / 2 + 1);
    std::vector<float> back(in.size());
    RealFft fft(n);
    fft.forward(in.data(), bins.data());
    const auto kept = bins;
    fft.inverse(bins.data(), back.data());
    EXPECT_EQ(kept, bins);
    for (std::size_t i = 0; i < in.size(); ++i) ASSERT_NEAR(in[i], back[i], 1e-5) << "n " << n << " i " << i;
  }
}

TEST(PowerSpectrogram, a_sine_in_the_middle_of_a_bin_has_the_window_sum_squared_as_power) {
  const int n_fft = 512, bin = 40;
  std::vector<float> sine(4096);
  for (std::size_t i = 0; i < sine.size(); ++i) {
    sine[i] = static_cast<float>(std::cos(2 * std::numbers::pi * bin * static_cast<double>(i) / n_fft));
  }
  StftOptions options;
  options.n_fft = n_fft;
  options.hop_length = 128;
  const Matrix power = power_spectrogram(sine, 8000, options);
  ASSERT_EQ(power.frames, 1 + 4096u / 128);
  EXPECT_DOUBLE_EQ(power.hop, 128.0 / 8000);
  EXPECT_NEAR(power.at(bin, 10), std::pow(n_fft / 4.0, 2), 1);  // half amplitude times the window's sum n/2
  EXPECT_NEAR(power.at(bin + 1, 10), std::pow(n_fft / 8.0, 2), 1);
  EXPECT_LT(power.at(bin + 5, 10), 1e-3);
}

TEST(PowerSpectrogram, has_as_many_frames_as_librosa_for_any_length) {
  for (const std::size_t n : {0u, 1u, 511u, 512u, 2048u, 5000u}) {
    EXPECT_EQ(power_spectrogram(noise(n, 3), 22050).frames, 1 + n / 512);
  }
  StftOptions uncentered;
  uncentered.center = false;
  EXPECT_EQ(power_spectrogram(noise(2047, 3), 22050, uncentered).frames, 0u);
  EXPECT_EQ(power_spectrogram(noise(2560, 3), 22050, uncentered).frames, 2u);
}

TEST(PowerSpectrogram, visited_frames_are_the_columns_of_the_matrix) {
  const auto samples = noise(9000, 4);
  StftOptions options;
  options.win_length = 1000;
  options.hop_length = 300;
  const Matrix power = power_spectrogram(samples, 22050, options);
  std::size_t visited = 0;
  for_each_power_frame(samples, options, [&](std::size_t t, std::span<const float> frame) {
    ++visited;
    for (std::size_t b = 0; b < frame.size(); b += 7) ASSERT_EQ(frame[b], power.at(b, t));
  });
  EXPECT_EQ(visited, power.frames);
}

TEST(PowerSpectrogram, magnitude_equals_librosa) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    Matrix ours = power_spectrogram(reference::read_wav(clip / "input.wav"), 22050);
    for (float& v : ours.data) v = std::sqrt(v);
    EXPECT_LT(reference::relative_error(ours, reference::read_npy(clip / "stft_magnitude.npy")), 1e-6) << clip;
  }
}

}  // namespace
}  // namespace euterpe
