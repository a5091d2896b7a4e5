#include "signal/audio_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>

#include "base/random.hpp"
#include "signal/loudness_meter.hpp"

namespace euterpe {
namespace {

constexpr int kRate = FrameDescriptors::kSampleRate;

AudioBuffer silence(double seconds) {
  AudioBuffer audio;
  audio.samples.assign(static_cast<std::size_t>(seconds * kRate), 0.0f);
  return audio;
}

/// Adds a decaying tone with four harmonics; its end fades, for a tone cut off clicks, and a click is an onset.
void pluck(AudioBuffer& audio, double start, double seconds, double pitch, double gain = 0.2) {
  const double hz = 440 * std::exp2((pitch - 69) / 12);
  const auto begin = static_cast<std::size_t>(start * kRate);
  for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * kRate) && begin + i < audio.samples.size(); ++i) {
    const double t = static_cast<double>(i) / kRate;
    double sum = 0;
    for (int h = 1; h <= 4; ++h) sum += std::sin(2 * std::numbers::pi * h * hz * t) / (h * h);
    audio.samples[begin + i] += static_cast<float>(gain * sum * std::exp(-3 * t) * std::min(1.0, (seconds - t) / 0.1));
  }
}

/// I–IV–V–I in broken chords, a chord a bar of four beats.
AudioBuffer cadence(double bpm, int transposition, double seconds = 20) {
  AudioBuffer audio = silence(seconds);
  const double beat = 60 / bpm;
  const int chords[4][3] = {{60, 64, 67}, {60, 65, 69}, {59, 62, 67}, {60, 64, 67}};
  int index = 0;
  for (double t = 0; t < seconds; t += beat, ++index) {
    const auto& chord = chords[index / 4 % 4];
    for (const int pitch : chord) pluck(audio, t, 0.9 * beat, pitch + transposition);
    pluck(audio, t, 0.9 * beat, chord[0] - 12 + transposition, 0.3);
  }
  return audio;
}

AudioBuffer noise(double seconds, std::uint64_t seed) {
  AudioBuffer audio = silence(seconds);
  Random random(seed);
  for (float& s : audio.samples) s = static_cast<float>(0.1 * random.normal());
  return audio;
}

double value(const std::vector<float>& features, const std::string& name) {
  const auto& names = audio_feature_names();
  const auto found = std::ranges::find(names, name);
  EXPECT_NE(found, names.end()) << name;
  return static_cast<double>(features[static_cast<std::size_t>(found - names.begin())]);
}

TEST(EstimateTempo, is_right_for_played_beats_from_slow_to_fast) {
  for (const double bpm : {72.0, 96.0, 120.0, 150.0}) {
    const FrameDescriptors frames = frame_descriptors(cadence(bpm, 0).samples);
    const TempoEstimate tempo = estimate_tempo(frames.onset, FrameDescriptors::kHopSeconds);
    EXPECT_NEAR(tempo.bpm, bpm, 0.02 * bpm);
    EXPECT_GT(tempo.confidence, 0.5);
  }
}

TEST(EstimateTempo, keeps_to_the_beat_under_a_syncopated_accent) {
  // Eighths with accents 3 + 3 + 2: the dotted quarter alone repeats more often than the beat.
  for (const double bpm : {111.0, 120.0, 129.0}) {
    std::vector<float> envelope(1300, 0.0f);
    int eighth = 0;
    for (double at = 5; at < 1290; at += 30 / bpm / FrameDescriptors::kHopSeconds, ++eighth) {
      const bool accent = eighth % 8 == 0 || eighth % 8 == 3 || eighth % 8 == 6;
      const auto frame = static_cast<std::size_t>(at);
      for (std::size_t f = frame - 1; f <= frame + 2; ++f) {
        envelope[f] += static_cast<float>((accent ? 1 : 0.3) * std::exp(-std::pow(static_cast<double>(f) - at, 2)));
      }
    }
    EXPECT_NEAR(estimate_tempo(envelope, FrameDescriptors::kHopSeconds).bpm, bpm, 0.02 * bpm);
  }
}

TEST(EstimateTempo, finds_no_pulse_in_silence_and_little_in_noise) {
  const FrameDescriptors quiet = frame_descriptors(silence(10).samples);
  EXPECT_EQ(estimate_tempo(quiet.onset, FrameDescriptors::kHopSeconds).bpm, 0);
  const FrameDescriptors hiss = frame_descriptors(noise(20, 5).samples);
  EXPECT_LT(estimate_tempo(hiss.onset, FrameDescriptors::kHopSeconds).confidence, 0.3);
}

TEST(OnsetFrames, stand_where_notes_begin) {
  AudioBuffer audio = silence(5);
  const double starts[] = {0.5, 1.1, 2.0, 2.4, 3.7};
  for (const double start : starts) pluck(audio, start, 0.5, 64);
  const auto onsets = onset_frames(frame_descriptors(audio.samples).onset, FrameDescriptors::kHopSeconds);
  ASSERT_EQ(onsets.size(), std::size(starts));
  for (std::size_t i = 0; i < onsets.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(onsets[i]) * FrameDescriptors::kHopSeconds, starts[i], 0.06);
  }
}

TEST(EstimateKey, of_audio_follows_the_transposition) {
  for (const int step : {0, 3, 7, 10}) {
    const KeyEstimate key = estimate_key(frame_descriptors(cadence(110, step, 12).samples));
    EXPECT_EQ(key.tonic, step);
    EXPECT_FALSE(key.minor);
    EXPECT_GT(key.confidence, 0.2);
  }
}

TEST(FrameDescriptors, are_the_same_however_the_audio_is_cut_into_blocks) {
  const AudioBuffer audio = cadence(100, 2, 6);
  const FrameDescriptors whole = frame_descriptors(audio.samples);
  FrameDescriber describer;
  for (std::size_t at = 0, n = 1; at < audio.samples.size(); at += n, n = n * 3 % 5003 + 1) {
    n = std::min(n, audio.samples.size() - at);
    describer.push(std::span(audio.samples).subspan(at, n));
  }
  const FrameDescriptors pieces = describer.finish();
  EXPECT_EQ(whole.mfcc.data, pieces.mfcc.data);
  EXPECT_EQ(whole.onset, pieces.onset);
  EXPECT_EQ(whole.zero_crossings, pieces.zero_crossings);
  EXPECT_DOUBLE_EQ(pieces.seconds, 6);
}

TEST(FrameDescriptors, beyond_one_segment_are_those_of_the_recording_frame_by_frame) {
  // Two and a half minutes: a rising sweep, so that a frame taken from the wrong place would show in its centroid.
  AudioBuffer audio = silence(150);
  double phase = 0;
  for (std::size_t i = 0; i < audio.samples.size(); ++i) {
    phase += 2 * std::numbers::pi *
             (200 + 5000.0 * static_cast<double>(i) / static_cast<double>(audio.samples.size())) / kRate;
    audio.samples[i] = static_cast<float>(0.3 * std::sin(phase));
  }
  const FrameDescriptors frames = frame_descriptors(audio.samples);
  ASSERT_EQ(frames.frames(), audio.samples.size() / FrameDescriptors::kHop + 1);
  for (const auto* series : {&frames.rms, &frames.zero_crossings, &frames.flatness, &frames.onset, &frames.rolloff}) {
    ASSERT_EQ(series->size(), frames.frames());
  }
  ASSERT_EQ(frames.chroma.frames, frames.frames());
  ASSERT_EQ(frames.mfcc.frames, frames.frames());
  for (std::size_t t = 2; t + 3 < frames.frames(); ++t) {
    const double hz =
        200 + 5000.0 * static_cast<double>(t * FrameDescriptors::kHop) / static_cast<double>(audio.samples.size());
    ASSERT_NEAR(frames.centroid[t], hz, 12 + 0.004 * hz) << t;
    ASSERT_NEAR(frames.zero_crossings[t], 2 * hz / kRate, 1.5 / FrameDescriptors::kFrameLength) << t;
    ASSERT_NEAR(frames.rms[t], 0.3 / std::numbers::sqrt2, 0.01) << t;
  }
}

TEST(AudioFeatures, have_one_name_each_and_no_name_twice) {
  const auto& names = audio_feature_names();
  EXPECT_EQ(audio_features(silence(1)).size(), names.size());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_GE(names.size(), 150u);
}

TEST(AudioFeatures, are_finite_for_silence_snippets_clipping_and_broken_samples) {
  std::vector<AudioBuffer> inputs{AudioBuffer{}, silence(0.1), silence(3),
                                  noise(0.1, 1), noise(2, 2),  cadence(120, 0, 0.3)};
  AudioBuffer click = silence(2);
  click.samples[22050] = 1;
  inputs.push_back(click);
  AudioBuffer square = silence(2);
  for (std::size_t i = 0; i < square.samples.size(); ++i) square.samples[i] = i % 100 < 50 ? 1000.0f : -1000.0f;
  inputs.push_back(square);
  AudioBuffer constant = silence(2);
  for (float& s : constant.samples) s = 0.5f;
  inputs.push_back(constant);
  AudioBuffer broken = noise(2, 3);
  broken.samples[100] = std::numeric_limits<float>::quiet_NaN();
  broken.samples[30000] = std::numeric_limits<float>::infinity();
  inputs.push_back(broken);
  for (const AudioBuffer& input : inputs) {
    const auto features = audio_features(input);
    ASSERT_EQ(features.size(), audio_feature_names().size());
    for (std::size_t i = 0; i < features.size(); ++i) {
      ASSERT_TRUE(std::isfinite(features[i])) << audio_feature_names()[i] << ", " << input.samples.size() << " samples";
    }
  }
}

TEST(AudioFeatures, see_harmony_from_the_tonic) {
  const auto here = audio_features(cadence(110, 0, 12)), there = audio_features(cadence(110, 5, 12));
  const auto hiss = audio_features(noise(12, 9));
  double moved = 0, other = 0;
  for (int d = 0; d < 12; ++d) {
    const std::string name = "degree" + std::to_string(d);
    moved += std::abs(value(here, name) - value(there, name));
    other += std::abs(value(here, name) - value(hiss, name));
  }
  EXPECT_LT(moved, 0.25 * other);
}

TEST(AudioFeatures, tell_noise_from_tones_and_pulse_from_none) {
  const auto music = audio_features(cadence(120, 0)), hiss = audio_features(noise(20, 4));
  EXPECT_GT(value(hiss, "flatness_mean"), value(music, "flatness_mean") + 1);
  EXPECT_GT(value(hiss, "centroid_mean"), value(music, "centroid_mean") + 1);
  EXPECT_GT(value(music, "tempo_confidence"), value(hiss, "tempo_confidence") + 0.3);
  EXPECT_NEAR(value(music, "tempo_octaves"), 0, 0.05);
  EXPECT_NEAR(value(music, "onsets_per_second"), 2, 0.3);
  EXPECT_GT(value(hiss, "chroma_entropy_mean"), value(music, "chroma_entropy_mean") + 0.5);
}

TEST(LoudnessMeter, gives_in_blocks_what_measure_loudness_gives_at_once) {
  AudioBuffer audio;
  audio.sample_rate = 44100;
  audio.channels = 2;
  const std::size_t frames = 8 * 44100;
  audio.samples.resize(2 * frames);
  Random random(11);
  for (std::size_t i = 0; i < frames; ++i) {
    const double level = 0.02 + 0.2 * std::abs(std::sin(static_cast<double>(i) / 40000));
    audio.samples[i] = static_cast<float>(level * random.normal());
    audio.samples[frames + i] = static_cast<float>(0.5 * level * random.normal());
  }
  LoudnessMeter meter(44100, 2);
  for (std::size_t at = 0; at < frames; at += 30000) {
    const std::size_t n = std::min<std::size_t>(30000, frames - at);
    AudioBuffer block;
    block.sample_rate = 44100;
    block.channels = 2;
    for (int c = 0; c < 2; ++c) {
      const auto part = audio.channel(c).subspan(at, n);
      block.samples.insert(block.samples.end(), part.begin(), part.end());
    }
    meter.push(block);
  }
  const Loudness once = measure_loudness(audio), blocks = meter.result();
  EXPECT_NEAR(blocks.integrated, once.integrated, 0.1);
  EXPECT_NEAR(blocks.range, once.range, 0.3);
  EXPECT_NEAR(blocks.true_peak, once.true_peak, 0.01);
  EXPECT_TRUE(std::isinf(LoudnessMeter(44100, 2).result().integrated));
}

}  // namespace
}  // namespace euterpe
