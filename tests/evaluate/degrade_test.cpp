#include "evaluate/degrade.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

std::vector<float> tone(double hertz, double seconds) {
  std::vector<float> x(static_cast<std::size_t>(seconds * kRate));
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / kRate));
  return x;
}

double power(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double{v} * v;
  return sum / static_cast<double>(x.size());
}

double decibels(double ratio) { return 10 * std::log10(ratio); }

/// Power of x between two frequencies.
double band(std::span<const float> x, double low, double high) {
  const Matrix s = power_spectrogram(x, kRate, {.n_fft = 4096, .hop_length = 2048});
  double sum = 0;
  for (std::size_t b = 0; b < s.bins; ++b) {
    const double hertz = static_cast<double>(b) * kRate / 4096;
    if (hertz >= low && hertz < high)
      for (const float v : s.row(b)) sum += v;
  }
  return sum;
}

TEST(Degrade, EveryConditionKeepsTheLengthAndGivesTheSameForTheSameSeed) {
  const auto x = tone(700, 2.345), h = load_impulse_response({});
  for (const std::string& name : degradation_names()) {
    const auto y = degrade(x, name, 7, h);
    EXPECT_EQ(y.size(), x.size()) << name;
    EXPECT_EQ(y, degrade(x, name, 7, h)) << name;
    for (const float v : y) ASSERT_TRUE(std::isfinite(v)) << name;
  }
  EXPECT_NE(degrade(x, "pink_10", 7, h), degrade(x, "pink_10", 8, h));
  EXPECT_EQ(degrade(x, "clean", 7, h), x);
}

TEST(Degrade, NoiseStandsAtTheNamedRatio) {
  const auto x = tone(700, 5);
  for (const auto& [name, snr] :
       {std::pair{"white_10", 10.0}, {"white_0", 0.0}, {"pink_10", 10.0}, {"pink_m5", -5.0}}) {
    auto y = degrade(x, name, 1, {});
    for (std::size_t i = 0; i < y.size(); ++i) y[i] -= x[i];
    EXPECT_NEAR(decibels(power(x) / power(y)), snr, 0.01) << name;
  }
}

TEST(Degrade, PinkNoiseHasEqualPowerInEachOctave) {
  const auto x = tone(700, 30);
  auto y = degrade(x, "pink_0", 3, {});
  for (std::size_t i = 0; i < y.size(); ++i) y[i] -= x[i];
  const double reference = band(y, 1000, 2000);
  for (const double low : {125.0, 250.0, 500.0, 2000.0, 4000.0})
    EXPECT_NEAR(decibels(band(y, low, 2 * low) / reference), 0, 1.5) << low << " Hz";
}

TEST(Degrade, TheTelephoneCarriesSpeechAndNothingBeside) {
  const auto kept = tone(1000, 2), low = tone(100, 2), high = tone(3900, 2);
  EXPECT_NEAR(decibels(power(degrade(kept, "telephone", 1, {})) / power(kept)), 0, 1);
  EXPECT_LT(decibels(power(degrade(low, "telephone", 1, {})) / power(low)), -25);
  EXPECT_LT(decibels(power(degrade(high, "telephone", 1, {})) / power(high)), -10);
}

TEST(Degrade, AnMp3KeepsTheToneInPlace) {
  const auto x = tone(700, 3);
  const auto y = degrade(x, "mp3_64k", 1, {});
  EXPECT_NE(y, x);
  double cross = 0;
  for (std::size_t i = 4000; i < x.size() - 4000; ++i) cross += double{x[i]} * y[i];
  EXPECT_NEAR(cross / static_cast<double>(x.size() - 8000) / power(x), 1, 0.05);
}

TEST(Degrade, ReverberationIsTheConvolution) {
  std::vector<float> x(70000, 0.F);
  x[100] = 1;
  x[66000] = 0.5F;
  const std::vector<float> h{1, 0, -0.5F, 0.25F};
  const auto y = degrade(x, "reverb", 1, h);
  EXPECT_NEAR(y[100], 1, 1e-5);
  EXPECT_NEAR(y[102], -0.5, 1e-5);
  EXPECT_NEAR(y[66003], 0.125, 1e-5);
  EXPECT_NEAR(y[50000], 0, 1e-5);
}

TEST(Degrade, AnUnknownStepIsNamed) {
  for (const char* name : {"vinyl", "mp3", "mp3_64", "pink", "pink_x", "reverb_vinyl", ""}) {
    try {
      degrade(tone(700, 1), name, 1, load_impulse_response({}));
      FAIL() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage);
      EXPECT_NE(e.detail().find(name), std::string::npos);
    }
  }
}

TEST(Degrade, ExcerptsAreTenSecondsUnlessTheNameSaysOtherwise) {
  EXPECT_EQ(excerpt_seconds("clean"), 10);
  EXPECT_EQ(excerpt_seconds("clean_5s"), 5);
  EXPECT_EQ(excerpt_seconds("reverb_pink_10"), 10);
}

}  // namespace
}  // namespace euterpe
