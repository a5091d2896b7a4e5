/// Descriptors made from other descriptors: deltas, energy normalization, tonal centroids, decibels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/delta.hpp"
#include "signal/mel.hpp"
#include "signal/pcen.hpp"
#include "signal/spectral.hpp"
#include "signal/stft.hpp"
#include "signal/tonnetz.hpp"

namespace euterpe {
namespace {

Matrix random_matrix(std::size_t bins, std::size_t frames, double greatest) {
  Random random(11);
  Matrix m(bins, frames, 512.0 / 22050);
  for (float& v : m.data) v = static_cast<float>(random.uniform(0, greatest));
  return m;
}

TEST(Delta, of_a_parabola_is_its_slope_and_its_curve_and_that_of_the_outermost_fit_at_the_ends) {
  Matrix series(1, 30, 1);
  for (std::size_t t = 0; t < series.frames; ++t) {
    const auto x = static_cast<float>(t);
    series.at(0, t) = 3 + 2 * x + 0.5f * x * x;
  }
  const Matrix slope = delta(series), curve = delta(series, 9, 2);
  for (std::size_t t = 0; t < series.frames; ++t) {
    EXPECT_NEAR(slope.at(0, t), 2 + static_cast<double>(std::clamp<std::size_t>(t, 4, 25)), 1e-4);
    EXPECT_NEAR(curve.at(0, t), 1, 1e-4);
  }
}

TEST(Delta, needs_an_odd_window_no_longer_than_the_recording) {
  const Matrix series = random_matrix(2, 8, 1);
  EXPECT_THROW(delta(series), Error);
  EXPECT_THROW(delta(series, 6), Error);
  EXPECT_THROW(delta(series, 3, 3), Error);
  EXPECT_EQ(delta(series, 7).frames, 8u);
}

TEST(Pcen, follows_its_definition_from_silence_to_the_loudest) {
  for (const double greatest : {1e-9, 1e-3, 1.0, 1e6, 1e12}) {
    const Matrix power = random_matrix(3, 50, greatest);
    const Matrix ours = pcen(power);
    const double t = 0.4 / power.hop, share = (std::sqrt(1 + 4 * t * t) - 1) / (2 * t * t);
    for (std::size_t b = 0; b < power.bins; ++b) {
      double level = 1;
      for (std::size_t i = 0; i < power.frames; ++i) {
        const double x = static_cast<double>(power.at(b, i));
        level = (1 - share) * level + share * x;
        const double expected = std::sqrt(2.0) * std::expm1(0.5 * std::log1p(x * std::pow(1e-6 + level, -0.98) / 2));
        ASSERT_NEAR(ours.at(b, i), expected, 3e-6 * expected) << greatest;
      }
    }
  }
}

TEST(Pcen, refuses_parameters_that_have_no_meaning) {
  PcenOptions options;
  options.eps = 0;
  EXPECT_THROW(pcen(random_matrix(1, 1, 1), options), Error);
}

TEST(Tonnetz, notes_a_fifth_apart_are_neighbors_on_the_circle_of_fifths_and_a_tritone_is_opposite) {
  Matrix chroma(12, 13, 1);
  for (std::size_t c = 0; c < 12; ++c) chroma.at(c, c) = 0.7f;  // one note each frame; the last frame is silent
  const Matrix points = tonnetz(chroma);
  const auto distance = [&](std::size_t a, std::size_t b) {
    return std::hypot(points.at(0, a) - points.at(0, b), points.at(1, a) - points.at(1, b));
  };
  EXPECT_NEAR(distance(0, 7), 2 * std::sin(std::numbers::pi / 12), 1e-6);
  EXPECT_NEAR(distance(0, 6), 2, 1e-6);
  EXPECT_NEAR(std::hypot(points.at(4, 3), points.at(5, 3)), 0.5, 1e-6);
  for (std::size_t axis = 0; axis < 6; ++axis) EXPECT_EQ(points.at(axis, 12), 0.0f);
}

TEST(Decibels, of_an_amplitude_are_those_of_its_power) {
  const Matrix amplitude = random_matrix(4, 20, 3);
  Matrix power = amplitude;
  for (float& v : power.data) v *= v;
  const Matrix a = amplitude_to_db(amplitude, 3.0), b = power_to_db(power, 9.0);
  for (std::size_t i = 0; i < a.data.size(); ++i) EXPECT_NEAR(a.data[i], b.data[i], 1e-5);
  EXPECT_NEAR(power_to_db(Matrix(1, 1, 1)).data[0], -100, 1e-4);
}

TEST(MelFilters, of_the_htk_scale_rise_to_one_and_hold_every_frequency_between_the_first_and_the_last_top) {
  MelOptions options;
  options.htk = true;
  options.equal_area = false;
  options.n_mels = 20;
  options.fmin = 100;
  options.fmax = 7000;
  const Matrix filters = mel_filterbank(16000, 4096, options);
  std::vector<float> sum(filters.frames, 0.0f);
  for (std::size_t m = 0; m < filters.bins; ++m) {
    EXPECT_NEAR(std::ranges::max(filters.row(m)), 1, 0.06);
    for (std::size_t k = 0; k < filters.frames; ++k) sum[k] += filters.at(m, k);
  }
  const auto bin = [](double hz) { return static_cast<std::size_t>(hz * 4096 / 16000); };
  for (std::size_t k = bin(200); k < bin(6000); ++k) EXPECT_NEAR(sum[k], 1, 1e-5) << k;
  EXPECT_NEAR(mel_to_hz(hz_to_mel(1234, true), true), 1234, 1e-9);
  EXPECT_NEAR(hz_to_mel(1000, true), 1000, 0.1);
}

TEST(MelFilters, of_no_band_or_of_an_empty_range_are_the_users_error) {
  MelOptions options;
  options.fmin = 12000;
  EXPECT_THROW(mel_filterbank(22050, 2048, options), Error);
  options = {};
  options.n_mels = 0;
  EXPECT_THROW(mel_filterbank(22050, 2048, options), Error);
}

TEST(SpectralContrast, of_bands_above_half_the_sample_rate_is_the_users_error) {
  const Matrix power = power_spectrogram(std::vector<float>(8000, 0.1f), 8000);
  EXPECT_THROW(spectral_contrast(power, 8000), Error);
  ContrastOptions options;
  options.n_bands = 4;
  EXPECT_EQ(spectral_contrast(power, 8000, options).bins, 5u);
}

}  // namespace
}  // namespace euterpe
