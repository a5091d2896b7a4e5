/// Median filters and the separation that is made of them.
#include "signal/hpss.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/median_filter.hpp"
#include "signal/reference.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

Matrix noise(std::size_t bins, std::size_t frames, std::uint64_t seed) {
  Random random(seed);
  Matrix m(bins, frames, 0.02);
  for (float& v : m.data) v = random.below(4) == 0 ? 0.25f : static_cast<float>(random.uniform());  // ties too
  return m;
}

/// scipy.ndimage.median_filter(mode="reflect") along one axis, as its documentation defines it.
Matrix plain_median(const Matrix& m, int size, bool along_time) {
  Matrix result = m;
  const auto n = static_cast<long>(along_time ? m.frames : m.bins);
  for (std::size_t bin = 0; bin < m.bins; ++bin) {
    for (std::size_t frame = 0; frame < m.frames; ++frame) {
      std::vector<float> window;
      for (long k = 0; k < size; ++k) {
        long at = static_cast<long>(along_time ? frame : bin) - size / 2 + k;
        while (at < 0 || at >= n) at = at < 0 ? -1 - at : 2 * n - 1 - at;
        window.push_back(along_time ? m.at(bin, static_cast<std::size_t>(at))
                                    : m.at(static_cast<std::size_t>(at), frame));
      }
      std::ranges::sort(window);
      result.at(bin, frame) = window[static_cast<std::size_t>(size / 2)];
    }
  }
  return result;
}

RC_GTEST_PROP(MedianFilter, equals_a_sorted_window_at_every_size_and_shape, ()) {
  const auto bins = *rc::gen::inRange<std::size_t>(1, 70), frames = *rc::gen::inRange<std::size_t>(1, 70);
  const int size = *rc::gen::element(31, 31, 31, 1, 2, 3, 16, 17, 45, 101);
  const Matrix m = noise(bins, frames, *rc::gen::arbitrary<std::uint64_t>());
  std::vector<float> out(m.data.size());
  median_along_time(m, size, 0, frames, out.data());
  RC_ASSERT(out == plain_median(m, size, true).data);
  median_along_frequency(m, size, 0, frames, out.data());
  RC_ASSERT(out == plain_median(m, size, false).data);
}

TEST(Hpss, a_tone_is_harmonic_and_a_click_percussive) {
  Matrix m(200, 100, 0.02);
  for (std::size_t frame = 0; frame < m.frames; ++frame) m.at(60, frame) = 1;
  for (std::size_t bin = 0; bin < m.bins; ++bin) m.at(bin, 50) = 1;
  const HarmonicPercussive parts = hpss(m);
  EXPECT_FLOAT_EQ(parts.harmonic.at(60, 20), 1);
  EXPECT_FLOAT_EQ(parts.percussive.at(60, 20), 0);
  EXPECT_FLOAT_EQ(parts.percussive.at(150, 50), 1);
  EXPECT_FLOAT_EQ(parts.harmonic.at(150, 50), 0);
  EXPECT_FLOAT_EQ(parts.harmonic.at(60, 50), 0.5);  // both cross here
}

/// Against the formula of util.softmask, each of its exponents and margins.
TEST(Hpss, masks_are_those_of_the_definition) {
  const Matrix m = noise(40, 150, 3);
  const Matrix h = plain_median(m, 31, true), p = plain_median(m, 31, false);
  for (const double power : {2.0, 1.0, 3.5, std::numeric_limits<double>::infinity()}) {
    for (const double margin : {1.0, 2.5}) {
      HpssOptions options;
      options.power = power;
      options.margin_percussive = margin;
      const HarmonicPercussive parts = hpss(m, options);
      for (std::size_t i = 0; i < m.data.size(); ++i) {
        const auto mask = [&](double x, double r) {
          if (std::isinf(power)) return x > r ? 1.0 : 0.0;
          return std::pow(x, power) / (std::pow(x, power) + std::pow(r, power));
        };
        const double s = m.data[i], a = h.data[i], b = p.data[i];
        ASSERT_NEAR(parts.harmonic.data[i], s * mask(a, b), 1e-6);
        ASSERT_NEAR(parts.percussive.data[i], s * mask(b, a * margin), 1e-6);
      }
    }
  }
}

TEST(Hpss, silence_is_shared_between_both_or_left_out_as_the_margins_say) {
  Matrix m(40, 40, 0.02);
  m.at(7, 7) = 2;  // alone, so that both medians are 0 under it
  EXPECT_FLOAT_EQ(hpss(m).harmonic.at(7, 7), 1);
  EXPECT_FLOAT_EQ(hpss(m).percussive.at(7, 7), 1);
  HpssOptions strict;
  strict.margin_harmonic = 2;
  EXPECT_FLOAT_EQ(hpss(m, strict).harmonic.at(7, 7), 0);
}

TEST(Hpss, pieces_that_overlap_by_fifteen_frames_are_as_the_whole) {
  const Matrix m = noise(33, 400, 5);
  Matrix piece(33, 130, m.hop);
  for (std::size_t bin = 0; bin < m.bins; ++bin) std::copy_n(&m.row(bin)[185], 130, piece.row(bin).data());
  const HarmonicPercussive whole = hpss(m), part = hpss(piece);
  for (std::size_t bin = 0; bin < m.bins; ++bin) {
    for (std::size_t frame = 15; frame < 115; ++frame) {
      ASSERT_EQ(part.harmonic.at(bin, frame), whole.harmonic.at(bin, 185 + frame));
      ASSERT_EQ(part.percussive.at(bin, frame), whole.percussive.at(bin, 185 + frame));
    }
  }
}

/// Longer than the pieces it is worked in, with a hit every half second and a chord that lasts.
TEST(Hpss, a_recording_falls_apart_into_its_chord_and_its_hits_and_their_sum_is_the_recording) {
  constexpr std::size_t kRate = 22050, kLength = 30 * kRate;
  std::vector<float> chord(kLength), hits(kLength), mix(kLength);
  Random random(2);
  for (std::size_t i = 0; i < kLength; ++i) {
    for (const double hz : {220.0, 277.2, 329.6})
      chord[i] += static_cast<float>(0.1 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kRate));
    if (i % (kRate / 2) < 300) hits[i] = static_cast<float>(0.3 * random.normal());
    mix[i] = chord[i] + hits[i];
  }
  const HarmonicPercussiveAudio parts = hpss(mix);
  ASSERT_EQ(parts.harmonic.size(), kLength);
  double residual = 0, chord_error = 0, hit_error = 0, chord_energy = 0, hit_energy = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    residual = std::max(residual, std::abs(double{mix[i]} - parts.harmonic[i] - parts.percussive[i]));
    chord_error += std::pow(parts.harmonic[i] - chord[i], 2);
    hit_error += std::pow(parts.percussive[i] - hits[i], 2);
    chord_energy += std::pow(chord[i], 2);
    hit_energy += std::pow(hits[i], 2);
  }
  EXPECT_LT(residual, 1e-5);
  EXPECT_LT(chord_error, 0.05 * chord_energy);
  EXPECT_LT(hit_error, 0.3 * hit_energy);
}

TEST(Hpss, pieces_of_a_recording_are_those_of_the_whole_spectrogram) {
  std::vector<float> x(22050 * 26);
  Random random(4);
  for (float& v : x) v = static_cast<float>(0.1 * random.normal());
  const Spectrum spectrum = stft(x, 22050);
  const Matrix whole = magnitude(spectrum);
  const HarmonicPercussive parts = hpss(whole);
  Spectrum harmonic = spectrum;
  for (std::size_t bin = 0; bin < whole.bins; ++bin)
    for (std::size_t t = 0; t < whole.frames; ++t) harmonic.at(bin, t) *= parts.harmonic.at(bin, t) / whole.at(bin, t);
  const std::vector<float> expected = istft(harmonic, {}, x.size()), ours = hpss(x).harmonic;
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(ours[i], expected[i], 1e-6) << i;
}

TEST(Hpss, nothing_in_gives_nothing_out_and_bad_options_are_the_users_error) {
  EXPECT_EQ(hpss(Matrix()).harmonic.data.size(), 0u);
  EXPECT_EQ(hpss(std::vector<float>()).harmonic.size(), 0u);
  EXPECT_EQ(hpss(std::vector<float>(100, 0.5f)).harmonic.size(), 100u);
  const Matrix m(4, 4, 1);
  for (const auto& bad :
       {HpssOptions{.kernel_harmonic = 0}, HpssOptions{.kernel_percussive = 5000}, HpssOptions{.power = 0},
        HpssOptions{.power = std::nan("")}, HpssOptions{.margin_harmonic = 0.5}, HpssOptions{.margin_percussive = 0}}) {
    EXPECT_THROW(hpss(m, bad), Error);
  }
}

TEST(Hpss, magnitudes_that_are_no_number_end_in_parts_of_the_same_shape) {
  Matrix m = noise(20, 60, 5);
  for (std::size_t i = 0; i < m.data.size(); i += 3) m.data[i] = std::nanf("");
  for (const int kernel : {31, 5, 17}) {
    const HarmonicPercussive parts = hpss(m, {.kernel_harmonic = kernel, .kernel_percussive = kernel});
    EXPECT_EQ(parts.harmonic.data.size(), m.data.size());
  }
}

TEST(Hpss, parts_are_equal_to_librosas) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    SCOPED_TRACE(clip.filename().string());
    Matrix magnitude = power_spectrogram(reference::read_wav(clip / "input.wav"), 22050);
    for (float& v : magnitude.data) v = std::sqrt(v);
    const HarmonicPercussive parts = hpss(magnitude);
    EXPECT_LT(reference::relative_error(parts.harmonic, reference::read_npy(clip / "hpss_harmonic.npy")), 1e-5);
    EXPECT_LT(reference::relative_error(parts.percussive, reference::read_npy(clip / "hpss_percussive.npy")), 1e-5);
  }
}

}  // namespace
}  // namespace euterpe
