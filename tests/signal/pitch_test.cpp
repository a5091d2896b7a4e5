/// YIN and pYIN.
#include "signal/pitch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/reference.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

/// A voice with ten partials that slides up and down between 179 and 271 Hz every four seconds, silent in the last
/// second of them.
double voice_hz(double seconds) {
  const double t = std::fmod(seconds, 4.0);
  return t < 3 ? 220 * std::exp2(0.3 * std::sin(2 * std::numbers::pi * t / 3)) : 0;
}

std::vector<float> voice(double seconds) {
  std::vector<float> out(static_cast<std::size_t>(seconds * kRate));
  Random random(1);
  double phase = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double hz = voice_hz(static_cast<double>(i) / kRate);
    phase = std::fmod(phase + hz / kRate, 1.0);
    double x = 1e-3 * random.normal();
    if (hz > 0) x += 0.3 * (std::exp2(-20 * phase) - 0.072);  // one smooth pulse a period: every partial
    out[i] = static_cast<float>(x);
  }
  return out;
}

double cents(double a, double b) { return std::abs(1200 * std::log2(a / b)); }

/// Longer than the segments in which the path is found.
TEST(Pyin, follows_a_sliding_voice_and_its_rests) {
  const PitchTrack track = pyin(voice(50), kRate);
  ASSERT_EQ(track.f0.size(), 1 + 50 * kRate / 512u);
  EXPECT_DOUBLE_EQ(track.hop, 512.0 / kRate);
  std::size_t judged = 0, right = 0;
  for (std::size_t t = 0; t < track.f0.size(); ++t) {
    ASSERT_EQ(std::isnan(track.f0[t]), track.voiced[t] == 0);
    const double at = static_cast<double>(t) * track.hop, hz = voice_hz(at);
    if ((voice_hz(at - 0.1) > 0) != (voice_hz(at + 0.1) > 0) || at < 0.1 || at > 49.9) continue;  // at an edge
    ++judged;
    right += hz == 0 ? !track.voiced[t] : track.voiced[t] && cents(track.f0[t], hz) < 30;
  }
  EXPECT_GT(judged, 1800u);
  EXPECT_GT(static_cast<double>(right), 0.99 * static_cast<double>(judged));
}

TEST(Yin, finds_the_period_between_two_samples) {
  for (const double hz : {82.4, 220.0, 441.3, 1000.0}) {
    std::vector<float> tone(kRate / 2);
    for (std::size_t i = 0; i < tone.size(); ++i)
      tone[i] = static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kRate));
    const std::vector<float> f0 = yin(tone, kRate);
    for (std::size_t t = 3; t + 3 < f0.size(); ++t) EXPECT_LT(cents(f0[t], hz), 3) << hz << " Hz, frame " << t;
  }
}

TEST(Yin, a_frame_is_the_same_wherever_the_recording_was_cut) {
  const std::vector<float> whole = voice(4);
  YinOptions options;
  options.center = false;
  for (const int hop : {512, 300}) {  // one divides the window, one does not
    options.hop_length = hop;
    const std::vector<float> f0 = yin(whole, kRate, options);
    const std::size_t skipped = 20;
    const std::vector<float> later =
        yin(std::span(whole).subspan(skipped * static_cast<std::size_t>(hop)), kRate, options);
    ASSERT_EQ(later.size() + skipped, f0.size());
    for (std::size_t t = 0; t < later.size(); ++t) ASSERT_EQ(later[t], f0[skipped + t]);
  }
}

TEST(Pyin, silence_short_and_broken_audio_are_answered) {
  for (const std::size_t n : {0u, 1u, 100u, 3000u}) {
    const PitchTrack track = pyin(std::vector<float>(n), kRate);
    ASSERT_EQ(track.f0.size(), 1 + n / 512);
    for (const auto v : track.voiced) EXPECT_EQ(v, 0);
    EXPECT_EQ(yin(std::vector<float>(n), kRate).size(), 1 + n / 512);
  }
  YinOptions uncentered;
  uncentered.center = false;
  EXPECT_TRUE(yin(std::vector<float>(100), kRate, uncentered).empty());
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 3e38f}) {
    std::vector<float> broken = voice(0.5);
    for (std::size_t i = 4000; i < 5000; ++i) broken[i] = bad;
    for (const float p : pyin(broken, kRate).probability) EXPECT_TRUE(p >= 0 && p <= 1);
    EXPECT_EQ(yin(broken, kRate).size(), 1 + broken.size() / 512);
  }
}

TEST(Yin, options_out_of_range_are_the_users_error) {
  const std::vector<float> x(4000);
  for (const auto& bad : {YinOptions{.fmin = 0}, YinOptions{.fmin = 500, .fmax = 400}, YinOptions{.fmax = 20000},
                          YinOptions{.frame_length = 2}, YinOptions{.win_length = 2048}, YinOptions{.hop_length = -1},
                          YinOptions{.fmin = 5, .fmax = 20}}) {
    EXPECT_THROW(yin(x, kRate, bad), Error);
  }
  PyinOptions fine;
  fine.resolution = 0;
  EXPECT_THROW(pyin(x, kRate, fine), Error);
  fine = {};
  fine.switch_prob = 1.5;
  EXPECT_THROW(pyin(x, kRate, fine), Error);
}

TEST(Pyin, equals_librosas) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    SCOPED_TRACE(clip.filename().string());
    const std::vector<float> samples = reference::read_wav(clip / "input.wav");
    const auto theirs = [&](const char* name) { return reference::read_npy(clip / name).data; };
    const std::vector<float> f0 = yin(samples, kRate), expected = theirs("yin.npy");
    ASSERT_EQ(f0.size(), expected.size());
    for (std::size_t t = 0; t < f0.size(); ++t) EXPECT_NEAR(f0[t], expected[t], 1e-4 * expected[t]);

    const PitchTrack track = pyin(samples, kRate);
    const auto pitch = theirs("pyin_f0.npy"), voiced = theirs("pyin_voiced.npy"), p = theirs("pyin_probability.npy");
    ASSERT_EQ(track.f0.size(), pitch.size());
    for (std::size_t t = 0; t < pitch.size(); ++t) {
      EXPECT_EQ(track.voiced[t] != 0, voiced[t] != 0);
      EXPECT_NEAR(track.probability[t], p[t], 1e-5);
      if (voiced[t] != 0) {
        EXPECT_NEAR(track.f0[t], pitch[t], 1e-4 * pitch[t]);
      }
    }
  }
}

}  // namespace
}  // namespace euterpe
