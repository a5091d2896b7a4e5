/// The melody of a mix.
#include "signal/melody.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/random.hpp"
#include "signal/pitch.hpp"
#include "signal/reference.hpp"

namespace euterpe {
namespace {

constexpr double kRate = 22050;

/// A decaying tone of eight partials.
void add_note(std::vector<float>& out, double start, double seconds, int midi, double loudness) {
  const double hz = 440 * std::exp2((midi - 69) / 12.0);
  const auto begin = static_cast<std::size_t>(start * kRate), length = static_cast<std::size_t>(seconds * kRate);
  for (std::size_t i = 0; i < length && begin + i < out.size(); ++i) {
    const double t = static_cast<double>(i) / kRate, edge = std::min({1.0, t / 0.01, (seconds - t) / 0.01});
    for (int h = 1; h <= 8; ++h)
      out[begin + i] += static_cast<float>(loudness * edge * std::exp(-1.5 * t) * std::pow(0.6, h - 1) *
                                           std::sin(2 * std::numbers::pi * hz * h * t));
  }
}

constexpr int kTune[] = {72, 74, 76, 77, 79, 77, 76, 74, 76, 79, 84, 83, 81, 79, 76, 72};
constexpr double kStep = 0.5;

/// The tune over broken chords an octave and more below it.
std::vector<float> song() {
  std::vector<float> out(static_cast<std::size_t>((std::size(kTune) * kStep + 4) * kRate));
  for (std::size_t i = 0; i < std::size(kTune); ++i)
    add_note(out, 1 + kStep * static_cast<double>(i), 0.48, kTune[i], 0.3);
  constexpr int kChord[] = {48, 55, 60, 55};
  for (std::size_t i = 0; i < 4 * std::size(kTune); ++i)
    add_note(out, 1 + kStep / 4 * static_cast<double>(i), 0.3, kChord[i % 4], 0.1);
  return out;
}

TEST(Melody, the_tune_is_heard_above_its_accompaniment) {
  const MelodyTrack melody = predominant_melody(song());
  ASSERT_DOUBLE_EQ(melody.hop, 512 / kRate);
  std::size_t judged = 0, right = 0;
  for (std::size_t t = 0; t < melody.hz.size(); ++t) {
    const double at = static_cast<double>(t) * melody.hop - 1, step = at / kStep;
    if (at < 0 || step >= static_cast<double>(std::size(kTune))) continue;
    if (std::fmod(step, 1.0) < 0.15 || std::fmod(step, 1.0) > 0.85) continue;  // a frame hears both notes
    ++judged;
    const double midi = melody.hz[t] > 0 ? 69 + 12 * std::log2(melody.hz[t] / 440.0) : 0;
    right += std::abs(midi - kTune[static_cast<std::size_t>(step)]) < 0.5;
  }
  EXPECT_GT(judged, 200u);
  EXPECT_GT(static_cast<double>(right), 0.85 * static_cast<double>(judged));
}

TEST(Melody, a_long_recording_is_heard_as_its_parts_are) {
  const std::vector<float> once = song();
  std::vector<float> long_one;
  for (int i = 0; i < 8; ++i) long_one.insert(long_one.end(), once.begin(), once.begin() + 512 * 480);
  const MelodyTrack melody = predominant_melody(long_one);
  ASSERT_EQ(melody.hz.size(), 1 + 8 * 480u);
  std::size_t same = 0;
  for (std::size_t t = 480; t < 7 * 480; ++t) {
    const float a = melody.hz[t], b = melody.hz[t % 480 + 480];
    same += a == b || (a > 0 && b > 0 && std::abs(a - b) < 0.01f * a);
  }
  EXPECT_GT(same, 6 * 480 * 98 / 100u);
}

TEST(Melody, silence_and_what_is_no_audio_have_none) {
  for (const std::size_t n : {0u, 1u, 3000u, 50000u}) {
    const MelodyTrack melody = predominant_melody(std::vector<float>(n));
    ASSERT_EQ(melody.hz.size(), 1 + n / 512);
    for (const float hz : melody.hz) EXPECT_EQ(hz, 0);
  }
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 3e38f}) {
    const MelodyTrack melody = predominant_melody(std::vector<float>(30000, bad));
    for (const float hz : melody.hz) EXPECT_TRUE(hz >= 0 && hz < 3000);
  }
}

/// A trumpet alone: what pYIN calls its pitch is its melody.
TEST(Melody, of_one_voice_is_its_pitch) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  const auto trumpet = std::ranges::find_if(
      clips, [](const auto& clip) { return clip.filename().string().find("trumpet") != std::string::npos; });
  if (trumpet == clips.end()) GTEST_SKIP() << "no trumpet among the reference clips";
  const std::vector<float> samples = reference::read_wav(*trumpet / "input.wav");
  const MelodyTrack melody = predominant_melody(samples);
  const PitchTrack pitch = pyin(samples, static_cast<int>(kRate));
  ASSERT_EQ(melody.hz.size(), pitch.f0.size());
  std::size_t both = 0, close = 0;
  for (std::size_t t = 0; t < pitch.f0.size(); ++t) {
    if (pitch.voiced[t] == 0 || melody.hz[t] == 0) continue;
    ++both;
    close += std::abs(1200 * std::log2(melody.hz[t] / pitch.f0[t])) < 50;
  }
  EXPECT_GT(both, 100u);
  EXPECT_GT(static_cast<double>(close), 0.85 * static_cast<double>(both));
}

}  // namespace
}  // namespace euterpe
