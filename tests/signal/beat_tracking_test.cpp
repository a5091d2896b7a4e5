#include "signal/beat_tracking.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

/// A band made on the spot: bass drum and bass on 1 and 3, snare on 2 and 4, cymbals `hats` times a beat, a chord that
/// changes at each bar.
std::vector<float> band(double seconds, double bpm, double bpm_at_end, int hats, std::vector<double>& beats) {
  std::vector<float> out(static_cast<std::size_t>(seconds * kRate));
  Random random(7);
  const auto add = [&](double at, double length, double decay, auto&& wave) {
    const auto from = static_cast<std::size_t>(at * kRate);
    for (std::size_t i = 0; i < static_cast<std::size_t>(length * kRate) && from + i < out.size(); ++i) {
      const double t = static_cast<double>(i) / kRate;
      out[from + i] += static_cast<float>(std::exp(-decay * t) * wave(t));
    }
  };
  const auto tone = [](double hertz) {
    return [hertz](double t) { return 0.12 * std::sin(2 * std::numbers::pi * hertz * t); };
  };
  const double roots[] = {220, 174.6, 261.6, 196};
  double at = 0.5;
  for (int i = 0; at < seconds; ++i) {
    const double interval = 60 / (bpm + (bpm_at_end - bpm) * at / seconds);
    beats.push_back(at);
    const double root = roots[i / 4 % 4];
    if (i % 4 == 0)
      for (const double ratio : {1.0, 1.26, 1.5}) add(at, 4 * interval, 0.8, tone(root * ratio));
    if (i % 2 == 0) {
      add(at, 0.25, 18,
          [](double t) { return 0.8 * std::sin(2 * std::numbers::pi * (50 + 60 * std::exp(-40 * t)) * t); });
      add(at, 2 * interval, 2, tone(root / 4));
    } else {
      add(at, 0.15, 30, [&](double) { return 0.3 * random.normal(); });
    }
    double last = 0;
    for (int h = 0; h < hats; ++h)
      add(at + interval * h / hats, 0.04, 90, [&](double) {
        const double x = random.normal(), high = x - last;
        last = x;
        return (h == 0 ? 0.06 : 0.03) * high;
      });
    at += interval;
  }
  return out;
}

double share_found(const std::vector<double>& wanted, const std::vector<Beat>& found) {
  std::size_t n = 0;
  for (const double at : wanted)
    n += std::any_of(found.begin(), found.end(), [&](const Beat& beat) { return std::abs(beat.time - at) < 0.05; });
  return static_cast<double>(n) / static_cast<double>(wanted.size());
}

TEST(TrackBeats, FindsBeatsAndDownbeatsOfABand) {
  for (const double bpm : {84.0, 120.0}) {
    std::vector<double> beats, downbeats;
    const auto audio = band(24, bpm, bpm, 2, beats);
    for (std::size_t i = 0; i < beats.size(); i += 4) downbeats.push_back(beats[i]);
    const BeatTrack track = track_beats(audio);
    EXPECT_NEAR(track.tempo, bpm, 0.01 * bpm);
    EXPECT_EQ(track.beats_per_bar, 4);
    EXPECT_GE(share_found(beats, track.beats), 0.95);
    EXPECT_NEAR(static_cast<double>(track.beats.size()), static_cast<double>(beats.size()), 2);
    std::vector<Beat> first;
    std::copy_if(track.beats.begin(), track.beats.end(), std::back_inserter(first),
                 [](const Beat& beat) { return beat.position == 1; });
    EXPECT_GE(share_found(downbeats, first), 0.9) << bpm;
  }
}

TEST(TrackBeats, DoesNotDoubleASlowPieceWithFastCymbals) {
  std::vector<double> beats;
  const BeatTrack track = track_beats(band(30, 66, 66, 4, beats));
  EXPECT_NEAR(track.tempo, 66, 1);
}

TEST(TrackBeats, FollowsAnAccelerando) {
  std::vector<double> beats;
  const auto audio = band(30, 92, 112, 2, beats);
  EXPECT_GE(share_found(beats, track_beats(audio).beats), 0.95);
}

TEST(TrackBeats, LevelDoesNotMatter) {
  std::vector<double> beats;
  auto audio = band(12, 110, 110, 2, beats);
  const BeatTrack loud = track_beats(audio);
  for (float& x : audio) x *= 0.01F;
  const BeatTrack soft = track_beats(audio);
  ASSERT_EQ(loud.beats.size(), soft.beats.size());
  for (std::size_t i = 0; i < loud.beats.size(); ++i) EXPECT_NEAR(loud.beats[i].time, soft.beats[i].time, 0.02);
}

TEST(TrackBeats, SilenceAndNoSoundHaveNoBeats) {
  EXPECT_TRUE(track_beats({}).beats.empty());
  EXPECT_TRUE(track_beats(std::vector<float>(5 * kRate)).beats.empty());
  EXPECT_TRUE(track_beats(std::vector<float>(2000, 0.1F)).beats.empty());
  EXPECT_TRUE(track_beats(std::vector<float>(5 * kRate, std::numeric_limits<float>::quiet_NaN())).beats.empty());
}

TEST(TrackBeats, SteadyNoiseAndASteadyToneHaveNoPulse) {
  Random random(3);
  std::vector<float> noise(20 * kRate), tone(20 * kRate);
  for (std::size_t i = 0; i < noise.size(); ++i) {
    noise[i] = static_cast<float>(random.uniform(-0.2, 0.2));
    tone[i] = static_cast<float>(0.3 * std::sin(2 * M_PI * 442 * static_cast<double>(i) / kRate));
  }
  EXPECT_TRUE(track_beats(noise).beats.empty());
  EXPECT_TRUE(track_beats(tone).beats.empty());
}

TEST(TrackBeats, AFewSamplesThatAreNoNumberAreIgnored) {
  std::vector<double> beats;
  auto audio = band(12, 100, 100, 2, beats);
  for (std::size_t i = 1000; i < audio.size(); i += 50000) audio[i] = std::numeric_limits<float>::infinity();
  EXPECT_GE(share_found(beats, track_beats(audio).beats), 0.9);
  for (float& x : audio) x *= 1e30F;
  const BeatTrack huge = track_beats(audio);
  EXPECT_TRUE(std::isfinite(huge.tempo) && std::isfinite(huge.confidence));
}

}  // namespace
}  // namespace euterpe
