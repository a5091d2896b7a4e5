/// The constant-Q transform and what is folded from it.
#include "signal/cqt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/chroma.hpp"
#include "signal/chroma_cqt.hpp"
#include "signal/reference.hpp"
#include "signal/resample.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

std::vector<float> tone(double hz, std::size_t samples, int rate = kRate) {
  std::vector<float> x(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    x[i] = static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  }
  return x;
}

float amplitude(const std::vector<float>& x) {  // away from the edges
  float largest = 0;
  for (std::size_t i = x.size() / 4; i < x.size() * 3 / 4; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest;
}

TEST(Decimate, keeps_what_lies_below_the_new_half_rate_and_removes_what_lies_above) {
  for (const int factor : {2, 3, 4, 8}) {
    SCOPED_TRACE(factor);
    const double half_rate = kRate / 2.0 / factor;
    EXPECT_NEAR(amplitude(decimate(tone(0.7 * half_rate, 20000), factor)), 1, 0.01);
    EXPECT_LT(amplitude(decimate(tone(1.3 * half_rate, 20000), factor)), 0.01);
  }
}

TEST(Decimate, leaves_each_kept_sample_where_it_stood) {
  const std::vector<float> x = tone(300, 4001);
  for (const int factor : {2, 4}) {
    const std::vector<float> y = decimate(x, factor);
    ASSERT_EQ(y.size(), (x.size() + static_cast<std::size_t>(factor) - 1) / static_cast<std::size_t>(factor));
    for (std::size_t m = 100; m + 100 < y.size(); ++m) {
      ASSERT_NEAR(y[m], x[m * static_cast<std::size_t>(factor)], 0.005) << factor << ' ' << m;
    }
  }
  EXPECT_TRUE(decimate({}, 2).empty());
  EXPECT_EQ(decimate(x, 1), x);
}

TEST(Cqt, every_note_is_loudest_in_its_own_bin) {
  for (std::size_t bin = 0; bin < 84; bin += 5) {
    const CqtOptions options;
    const Matrix cqt = cqt_magnitude(tone(options.fmin * std::exp2(static_cast<double>(bin) / 12), 44100), kRate);
    ASSERT_EQ(cqt.bins, 84u);
    ASSERT_EQ(cqt.frames, 1u + 44100 / 512);
    const std::size_t middle = cqt.frames / 2;
    std::size_t loudest = 0;
    for (std::size_t b = 0; b < 84; ++b) {
      if (cqt.at(b, middle) > cqt.at(loudest, middle)) loudest = b;
    }
    EXPECT_EQ(loudest, bin);
    // Norm 1 filters give half the amplitude of a real tone, times the root of the filter's length.
    const double length = kRate / (std::exp2(1.0 / 6) - 1) * (std::exp2(1.0 / 6) + 1) /
                          (options.fmin * std::exp2(static_cast<double>(bin) / 12));
    EXPECT_NEAR(cqt.at(bin, middle), 0.5 * std::sqrt(length), 0.02 * std::sqrt(length)) << bin;
  }
}

TEST(Cqt, an_early_halving_of_the_rate_keeps_the_energy) {
  // At 44.1 kHz the rate is halved first; twice as many samples of the same wave hold twice the energy.
  const Matrix low = cqt_magnitude(tone(440, 22050), 22050);
  CqtOptions options;
  options.hop_length = 1024;
  const Matrix high = cqt_magnitude(tone(440, 44100, 44100), 44100, options);
  ASSERT_EQ(low.frames, high.frames);
  const std::size_t middle = low.frames / 2, a4 = 45;
  EXPECT_NEAR(high.at(a4, middle) / low.at(a4, middle), std::numbers::sqrt2, 0.02);
}

TEST(Cqt, an_odd_hop_needs_no_halving_and_agrees_where_the_frames_meet) {
  Random random(7);
  std::vector<float> x(22050);
  for (float& v : x) v = static_cast<float>(random.normal());
  CqtOptions even, odd;
  even.n_bins = odd.n_bins = 36;
  even.fmin = odd.fmin = 130.8;
  even.hop_length = 500;
  odd.hop_length = 125;
  const Matrix a = cqt_magnitude(x, kRate, even), b = cqt_magnitude(x, kRate, odd);
  double difference = 0, norm = 0;
  for (std::size_t bin = 0; bin < a.bins; ++bin) {
    for (std::size_t t = 0; t < a.frames; ++t) {
      difference += std::pow(static_cast<double>(a.at(bin, t)) - b.at(bin, 4 * t), 2);
      norm += std::pow(static_cast<double>(a.at(bin, t)), 2);
    }
  }
  EXPECT_LT(std::sqrt(difference / norm), 0.01);
}

TEST(Cqt, names_the_frequency_that_the_sample_rate_cannot_hold) {
  const std::vector<float> x(8000, 0.1f);
  try {
    cqt_magnitude(x, 8000);
    FAIL() << "B7 lies beyond 4 kHz with its bandwidth";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), Category::usage);
    EXPECT_NE(error.detail().find("8000 Hz"), std::string::npos) << error.what();
  }
}

TEST(Cqt, silence_and_next_to_nothing_give_zeros) {
  for (const std::size_t samples : {std::size_t{0}, std::size_t{1}, std::size_t{700}}) {
    const Matrix cqt = cqt_magnitude(std::vector<float>(samples, 0.0f), kRate);
    EXPECT_EQ(cqt.frames, 1 + samples / 512);
    EXPECT_TRUE(std::ranges::all_of(cqt.data, [](float v) { return v == 0; }));
    const Matrix chroma = chroma_cqt(std::vector<float>(samples, 0.0f), kRate);
    EXPECT_TRUE(std::ranges::all_of(chroma.data, [](float v) { return v == 0; }));
  }
}

TEST(ChromaCqt, a_chord_lights_its_pitch_classes_whatever_the_octave_and_tuning) {
  for (const double cents : {0.0, 30.0, -40.0}) {
    SCOPED_TRACE(cents);
    std::vector<float> x(44100, 0.0f);
    for (const int pitch : {48, 64, 79}) {  // C3, E4, G5
      const std::vector<float> note = tone(440 * std::exp2((pitch - 69 + cents / 100) / 12), x.size());
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += 0.2f * note[i];
    }
    const Matrix chroma = chroma_cqt(x, kRate), cens = chroma_cens(x, kRate);
    const std::size_t middle = chroma.frames / 2;
    double energy = 0;
    for (std::size_t c = 0; c < 12; ++c) {
      const bool sounds = c == 0 || c == 4 || c == 7;
      EXPECT_EQ(chroma.at(c, middle) > 0.4f, sounds) << c << ' ' << chroma.at(c, middle);
      energy += std::pow(static_cast<double>(cens.at(c, middle)), 2);
    }
    EXPECT_NEAR(energy, 1, 1e-5);
  }
}

TEST(Librosa, cqt_is_equal) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    SCOPED_TRACE(clip.filename().string());
    const Matrix cqt = cqt_magnitude(reference::read_wav(clip / "input.wav"), kRate);
    EXPECT_LT(reference::relative_error(cqt, reference::read_npy(clip / "cqt_magnitude.npy")), 1e-5);
    // The reference folded these 84 bins with chroma_cqt's default of 36 bins an octave.
    EXPECT_LT(reference::relative_error(chroma_from_cqt(cqt), reference::read_npy(clip / "chroma_cqt.npy")), 1e-5);
  }
}

/// The beginning of a synthetic clip and librosa's figures for it.
TEST(Librosa, cqt_chroma_and_cens_of_the_beginning_of_a_synthetic_clip_are_equal) {
  const auto golden = std::filesystem::path(__FILE__).parent_path() / "golden";
  const std::vector<float> samples = reference::read_npy(golden / "input.npy").data;
  EXPECT_LT(reference::relative_error(cqt_magnitude(samples, kRate), reference::read_npy(golden / "cqt_magnitude.npy")),
            1e-5);
  EXPECT_LT(reference::relative_error(chroma_cqt(samples, kRate), reference::read_npy(golden / "chroma_cqt.npy")),
            1e-4);
  EXPECT_LT(reference::relative_error(chroma_cens(samples, kRate), reference::read_npy(golden / "chroma_cens.npy")),
            1e-4);
}

}  // namespace
}  // namespace euterpe
