#include "signal/stft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/frame_fft.hpp"
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

TEST(FrameFft, every_lane_is_the_discrete_fourier_transform_of_its_frame_at_any_even_length) {
  const auto in = noise(9000, 5);
  for (const int n : {2, 4, 6, 10, 30, 64, 100, 202, 512, 1000, 2048, 4096}) {
    const auto bins = static_cast<std::size_t>(n) / 2 + 1;
    std::vector<double> window(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < window.size(); ++i) window[i] = 1 + 0.1 * static_cast<double>(i % 3);
    std::vector<lanes::Row> re(bins), im(bins);
    constexpr std::size_t kHop = 37;
    FrameFft(n, window).forward(in.data(), kHop, re.front().value, im.front().value);
    for (std::size_t k = 0; k < bins; k += std::max<std::size_t>(1, bins / 9)) {
      for (const std::size_t l : {0u, 7u, 8u, 15u}) {
        std::complex<double> sum = 0;
        for (std::size_t i = 0; i < window.size(); ++i) {
          const double turn = static_cast<double>(k * i % window.size()) / n;
          sum += window[i] * static_cast<double>(in[l * kHop + i]) * std::polar(1.0, -2 * std::numbers::pi * turn);
        }
        const std::complex<double> ours(static_cast<double>(re[k].value[l]), static_cast<double>(im[k].value[l]));
        ASSERT_LT(std::abs(sum - ours), 1e-6 * std::sqrt(n)) << "n " << n << " bin " << k << " lane " << l;
      }
    }
  }
}

TEST(Stft, its_inverse_gives_back_the_samples_for_any_window_and_hop_that_overlap) {
  const auto samples = noise(7001, 6);
  for (const StftOptions options : {StftOptions{}, StftOptions{512, 128, 300}, StftOptions{1000, 250}}) {
    const auto back = istft(stft(samples, 22050, options), options, samples.size());
    ASSERT_EQ(back.size(), samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_NEAR(back[i], samples[i], 1e-5) << options.n_fft;
  }
  EXPECT_EQ(istft(stft(samples, 22050)).size(), 7001u / 512 * 512);  // what the frames' centers span
  EXPECT_EQ(istft(stft(samples, 22050), {}, 9000).back(), 0.0f);
  EXPECT_THROW(istft(stft(samples, 22050), {.win_length = 4096}), Error);  // longer than the frame
}

TEST(Stft, has_the_power_spectrogram_as_its_square) {
  const auto samples = noise(20000, 7);
  const StftOptions options{1024, 300, 800};
  const Spectrum spectrum = stft(samples, 22050, options);
  const Matrix power = power_spectrogram(samples, 22050, options), absolute = magnitude(spectrum);
  ASSERT_EQ(spectrum.frames, power.frames);
  for (std::size_t t = 0; t < power.frames; ++t) {
    for (std::size_t b = 0; b < power.bins; b += 5) {
      ASSERT_NEAR(std::norm(spectrum.at(b, t)), power.at(b, t), 1e-6f * power.at(b, t));
      ASSERT_EQ(absolute.at(b, t), std::sqrt(power.at(b, t)));
    }
  }
}

TEST(Stft, options_that_make_no_frames_are_the_users_error) {
  const auto samples = noise(100, 8);
  for (const StftOptions options : {StftOptions{0}, StftOptions{1023}, StftOptions{2048, 0}, StftOptions{64, 16, 65}}) {
    EXPECT_THROW(stft(samples, 22050, options), Error);
  }
}

TEST(PowerSpectrogram, magnitude_equals_librosa) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    const Matrix ours = magnitude_spectrogram(reference::read_wav(clip / "input.wav"), 22050);
    EXPECT_LT(reference::relative_error(ours, reference::read_npy(clip / "stft_magnitude.npy")), 1e-7) << clip;
  }
}

}  // namespace
}  // namespace euterpe
