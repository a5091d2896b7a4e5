/// Chords and keys heard in audio.
#include "signal/audio_harmony.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "media/synthesize.hpp"
#include "score/midi.hpp"
#include "signal/chord_model.hpp"
#include "signal/pitch_energy.hpp"

namespace euterpe {
namespace {

constexpr double kSeconds = 2;  ///< a chord lasts so long

/// Adds a decaying tone of six partials at a MIDI pitch (fractions are detuning).
void add_note(std::vector<float>& audio, double pitch, double start, double seconds, double level = 0.1) {
  const auto first = static_cast<std::size_t>(start * kPitchEnergyRate);
  const auto count = static_cast<std::size_t>(seconds * kPitchEnergyRate);
  audio.resize(std::max(audio.size(), first + count));
  for (int partial = 1; partial <= 6; ++partial) {
    // A decaying sine as the two-term recurrence that it obeys.
    const double w = 2 * std::numbers::pi * partial * 440 * std::exp2((pitch - 69) / 12) / kPitchEnergyRate;
    const double decay = std::exp(-1 / (0.8 * kPitchEnergyRate)), turn = 2 * decay * std::cos(w);
    double before = 0, now = level / partial * std::sin(w);
    for (std::size_t i = 0; i < count; ++i) {
      audio[first + i] += static_cast<float>(now);
      const double next = turn * now - decay * decay * before;
      before = now;
      now = next;
    }
  }
}

struct Played {
  int root;
  std::vector<int> tones;  ///< semitones above the root
};

/// Each chord struck twice, its root in the bass.
std::vector<float> play(const std::vector<Played>& chords, double shift = 0) {
  std::vector<float> audio;
  double at = 0;
  for (const auto& [root, tones] : chords) {
    for (int strike = 0; strike < 2; ++strike, at += kSeconds / 2) {
      add_note(audio, 36 + root + shift, at, kSeconds / 2, 0.15);
      for (const int tone : tones) add_note(audio, 60 + (root + tone) % 12 + shift, at, kSeconds / 2);
    }
  }
  return audio;
}

const std::vector<int> kMajor = {0, 4, 7}, kMinor = {0, 3, 7};
const std::vector<Played> kProgression = {{0, kMajor}, {9, kMinor}, {5, kMajor}, {7, kMajor}, {0, kMajor}};

std::string names(const std::vector<ChordSegment>& chords) {
  std::string text;
  for (const ChordSegment& c : chords) text += (text.empty() ? "" : " ") + c.chord.name();
  return text;
}

TEST(AudioHarmony, names_the_chords_of_a_progression_and_when_they_change) {
  const auto chords = estimate_chords(play(kProgression));
  ASSERT_EQ(names(chords), "C:maj A:min F:maj G:maj C:maj");
  for (std::size_t i = 0; i < chords.size(); ++i) {
    EXPECT_NEAR(chords[i].start, kSeconds * static_cast<double>(i), 0.15);
    EXPECT_GT(chords[i].confidence, 0.5);
    EXPECT_LE(chords[i].confidence, 1.0);
    EXPECT_DOUBLE_EQ(chords[i].start, i == 0 ? 0 : chords[i - 1].end);
  }
  EXPECT_NEAR(chords.back().end, 5 * kSeconds, 1e-9);
}

TEST(AudioHarmony, hears_transposed_music_transposed) {
  for (const int shift : {1, 6, 11}) {
    SCOPED_TRACE(shift);
    const auto chords = estimate_chords(play(kProgression, shift));
    ASSERT_EQ(chords.size(), kProgression.size()) << names(chords);
    for (std::size_t i = 0; i < chords.size(); ++i) {
      EXPECT_EQ(chords[i].chord.root, (kProgression[i].root + shift) % 12);
      EXPECT_EQ(majmin_class(chords[i].chord) >= 12, kProgression[i].tones == kMinor);
    }
  }
}

TEST(AudioHarmony, follows_an_instrument_that_is_out_of_tune) {
  for (const double detuned : {-0.4, -0.2, 0.3}) {
    EXPECT_EQ(names(estimate_chords(play(kProgression, detuned))), "C:maj A:min F:maj G:maj C:maj") << detuned;
  }
}

TEST(AudioHarmony, is_the_same_at_any_level_and_under_soft_noise) {
  const std::vector<float> clean = play(kProgression);
  for (const double gain : {0.001, 0.1, 5.0}) {
    Random random(3);
    std::vector<float> audio = clean;
    for (float& v : audio) v = static_cast<float>(gain * (static_cast<double>(v) + 0.003 * random.normal()));
    EXPECT_EQ(names(estimate_chords(audio)), "C:maj A:min F:maj G:maj C:maj") << gain;
  }
}

TEST(AudioHarmony, hears_which_tone_of_a_chord_lies_in_the_bass) {
  std::vector<float> audio;
  const int basses[] = {36, 40, 43};  // C2, E2, G2 below one and the same C major
  double at = 0;
  for (const int bass : basses) {
    add_note(audio, bass, at, kSeconds, 0.2);
    for (const int pitch : {60, 64, 67, 72}) add_note(audio, pitch, at, kSeconds);
    add_note(audio, 41, at += kSeconds, kSeconds, 0.2);
    for (const int pitch : {60, 65, 69}) add_note(audio, pitch, at, kSeconds);
    at += kSeconds;
  }
  EXPECT_EQ(names(estimate_chords(audio)), "C:maj F:maj C:maj/3 F:maj C:maj/5 F:maj");
}

TEST(AudioHarmony, finds_the_key_of_a_progression_and_of_its_relative) {
  const KeyEstimate major = estimate_global_key(play(kProgression));
  EXPECT_EQ(major.name(), "C major");
  EXPECT_GT(major.confidence, 0.2);
  const KeyEstimate minor =
      estimate_global_key(play({{9, kMinor}, {2, kMinor}, {4, kMajor}, {9, kMinor}, {2, kMinor}, {9, kMinor}}));
  EXPECT_EQ(minor.name(), "A minor");
}

TEST(AudioHarmony, follows_a_modulation) {
  std::vector<Played> chords;
  for (const int tonic : {0, 6}) {
    for (int turn = 0; turn < 4; ++turn) {
      for (const int degree : {0, 5, 7, 0}) chords.push_back({(tonic + degree) % 12, kMajor});
    }
  }
  const auto keys = estimate_keys(play(chords));
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].tonic, 0);
  EXPECT_EQ(keys[1].tonic, 6);
  EXPECT_FALSE(keys[0].minor || keys[1].minor);
  EXPECT_NEAR(keys[1].start, 16 * kSeconds, kSeconds);
  EXPECT_DOUBLE_EQ(keys[0].end, keys[1].start);
}

TEST(AudioHarmony, silence_has_no_chord_and_no_key) {
  for (const std::size_t samples : {std::size_t{1}, std::size_t{2205}, std::size_t{100000}}) {
    const AudioHarmony harmony = estimate_harmony(std::vector<float>(samples, 0.0f));
    EXPECT_EQ(names(harmony.chords), "N") << samples;
    EXPECT_TRUE(harmony.keys.empty());
    EXPECT_EQ(harmony.key.confidence, 0);
  }
  EXPECT_TRUE(estimate_chords({}).empty());
  EXPECT_TRUE(estimate_keys({}).empty());
}

TEST(AudioHarmony, noise_has_no_chord_and_no_key) {
  Random random(3);
  std::vector<float> noise(20 * 22050);
  for (float& x : noise) x = static_cast<float>(random.uniform(-0.2, 0.2));
  const AudioHarmony harmony = estimate_harmony(noise);
  ASSERT_EQ(harmony.chords.size(), 1u);
  EXPECT_EQ(harmony.chords[0].chord.name(), "N");
  EXPECT_DOUBLE_EQ(harmony.chords[0].end, 20);
  EXPECT_TRUE(harmony.keys.empty());
}

TEST(AudioHarmony, samples_that_are_no_number_count_as_silence) {
  std::vector<float> audio = play(kProgression), zeros = audio;
  for (std::size_t i = 30000; i < 31000; ++i) {
    audio[i] = i % 2 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    zeros[i] = 0;
  }
  EXPECT_EQ(names(estimate_chords(audio)), names(estimate_chords(zeros)));
}

/// Half a minute of a song of POP909's validation split, played by FluidSynth, against the set's own labels.
TEST(AudioHarmony, agrees_with_the_labels_of_a_song) {
  const char* data = std::getenv("EUTERPE_DATA");
  const auto folder = std::filesystem::path(data ? data : "") / "pop909" / "002";
  if (!std::filesystem::exists(folder / "002.mid")) GTEST_SKIP() << "EUTERPE_DATA has no pop909";
  constexpr double kHeard = 30;
  Score score = read_midi(folder / "002.mid").score;
  const std::int64_t end = score.tick_at(Seconds(kHeard)).value;
  for (Track& track : score.tracks) std::erase_if(track.notes, [&](const Note& note) { return note.start >= end; });
  SynthesisOptions options;
  options.sample_rate = kPitchEnergyRate;
  options.channels = 1;
  AudioBuffer audio;
  try {
    audio = synthesize(score, options);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const auto chords = estimate_chords(audio.samples);

  double judged = 0, right = 0;
  std::ifstream in(folder / "chord_midi.txt");
  double from = 0, to = 0;
  for (std::string label; in >> from >> to >> label;) {
    const auto truth = parse_chord(label);
    const int triad = truth ? majmin_class(*truth) : -1;
    if (triad < 0) continue;
    for (const ChordSegment& heard : chords) {
      const double overlap = std::min({to, heard.end, kHeard}) - std::max(from, heard.start);
      if (overlap <= 0) continue;
      judged += overlap;
      if (majmin_class(heard.chord) == triad) right += overlap;
    }
  }
  EXPECT_GT(judged, 15);
  EXPECT_GT(right / judged, 0.75);
}

TEST(ChordModel, probabilities_rotate_with_the_music) {
  // A pitch energy moved up by a fourth within the middle registers means the same scores five roots further.
  Random random(11);
  Matrix energy(kPitchEnergyCount, 40, 0.0464);
  for (float& v : energy.data) v = static_cast<float>(random.uniform());
  const std::vector<float> inputs = chord_inputs(energy);
  std::vector<float> rotated(kChordInputs);
  const float* frame = inputs.data() + 20 * kChordInputs;
  for (std::size_t g = 0; g < kChordGroups; ++g) {
    for (std::size_t i = 0; i < 12; ++i) rotated[12 * g + (i + 5) % 12] = frame[12 * g + i];
  }
  std::vector<float> a(kHeardChords), b(kHeardChords);
  chord_scores(kChordNetwork, frame, a.data());
  chord_scores(kChordNetwork, rotated.data(), b.data());
  const std::size_t qualities = kHeardQualities.size();
  for (std::size_t root = 0; root < 12; ++root) {
    for (std::size_t q = 0; q < qualities; ++q) {
      EXPECT_NEAR(b[(root + 5) % 12 * qualities + q], a[root * qualities + q], 1e-3);
    }
  }
  EXPECT_NEAR(a.back(), b.back(), 1e-3);
}

TEST(PitchEnergy, a_note_sounds_in_its_own_semitone) {
  for (const int pitch : {36, 48, 61, 70, 84}) {
    std::vector<float> audio;
    for (int i = 0; i < 44100; ++i) {
      const double w = 2 * std::numbers::pi * 440 * std::exp2((pitch - 69) / 12.0) / kPitchEnergyRate;
      audio.push_back(static_cast<float>(0.5 * std::sin(w * i)));
    }
    const Matrix energy = pitch_energy(audio);
    const std::size_t row = static_cast<std::size_t>(pitch - kPitchEnergyLowest), middle = energy.frames / 2;
    for (std::size_t p = 0; p < energy.bins; ++p) {
      EXPECT_EQ(energy.at(p, middle) > 0.5f * energy.at(row, middle), p == row) << pitch << ' ' << p;
    }
  }
}

}  // namespace
}  // namespace euterpe
