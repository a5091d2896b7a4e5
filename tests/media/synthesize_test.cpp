#include "media/synthesize.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "samples.hpp"

namespace euterpe {
namespace {

using test::amplitude_at;

bool soundfont_missing() {
  try {
    Score score;
    synthesize(score);
  } catch (const Error& error) {
    return error.category() == Category::not_found;
  }
  return false;
}
#define NEEDS_SOUNDFONT() \
  if (soundfont_missing()) GTEST_SKIP() << "no General MIDI soundfont: apt-get install fluid-soundfont-gm"

Score note(int program, int pitch, std::int64_t start, std::int64_t length, int channel = 0) {
  Score score;
  Track& track = add_track(score, "test", program, channel);
  track.notes.push_back({start, length, static_cast<std::uint8_t>(pitch), 100, static_cast<std::uint8_t>(channel), 64});
  return score;
}

double energy(const AudioBuffer& audio, double from, double to) {
  double sum = 0;
  const auto samples = audio.channel(0);
  for (auto i = static_cast<std::size_t>(from * audio.sample_rate); i < to * audio.sample_rate && i < samples.size();
       ++i) {
    sum += static_cast<double>(samples[i]) * samples[i];
  }
  return sum;
}

TEST(Synthesize, AnASoundsAt440Hertz) {
  NEEDS_SOUNDFONT();
  const AudioBuffer audio = synthesize(note(73 /* flute */, 69, 0, 960 * 2), {.channels = 1, .reverb = false});
  const auto middle = std::span<const float>(audio.samples).subspan(22050, 32768);
  double best = 0, best_hertz = 0;
  for (double hertz = 100; hertz < 2000; hertz += 2) {
    const double amplitude = amplitude_at(middle, hertz, audio.sample_rate);
    if (amplitude > best) best = amplitude, best_hertz = hertz;
  }
  EXPECT_NEAR(best_hertz, 440, 4);
}

TEST(Synthesize, NotesBeginAndEndWhereTheTempoMapPutsThem) {
  NEEDS_SOUNDFONT();
  Score score = note(16 /* organ */, 60, 480 * 4, 480 * 2);
  score.tempos = {{0, 500000},
                  {480 * 2, 250000}};  // two quarters at 120, then 240 a minute: begins at 1.5 s, lasts 0.5 s
  const AudioBuffer audio = synthesize(score, {.reverb = false, .tail = 1});
  EXPECT_NEAR(audio.duration().value, 3.0, 0.01);
  std::size_t first = 0;
  while (first < audio.frames() && std::abs(audio.samples[first]) < 1e-3) ++first;
  EXPECT_NEAR(static_cast<double>(first) / audio.sample_rate, 1.5, 0.02);
  EXPECT_GT(energy(audio, 1.6, 2.0), 100 * energy(audio, 2.5, 2.9));
}

TEST(Synthesize, ProgramsControllersAndBendsAreHeard) {
  NEEDS_SOUNDFONT();
  const AudioBuffer flute = synthesize(note(73, 69, 0, 960), {.reverb = false});
  const AudioBuffer organ = synthesize(note(16, 69, 0, 960), {.reverb = false});
  EXPECT_NE(flute.samples, organ.samples);

  Score soft = note(73, 69, 0, 960);
  soft.tracks[0].events.push_back({0, 0xB0, 0, 7, 20});  // channel volume
  EXPECT_LT(energy(synthesize(soft, {.reverb = false}), 0, 1), 0.1 * energy(flute, 0, 1));

  Score bent = note(73, 69, 0, 960 * 2);
  bent.tracks[0].events.push_back({0, 0xE0, 0, 0x7F, 0x7F});  // two semitones up: B4
  const AudioBuffer up = synthesize(bent, {.channels = 1, .reverb = false});
  const auto middle = std::span<const float>(up.samples).subspan(22050, 32768);
  EXPECT_GT(amplitude_at(middle, 493.9, up.sample_rate), 10 * amplitude_at(middle, 440, up.sample_rate));
}

TEST(Synthesize, TheEndOfAnOverlappedNoteDoesNotCutTheOther) {
  NEEDS_SOUNDFONT();
  Score score = note(16, 60, 0, 480);
  score.tracks[0].notes.push_back({240, 1920, 60, 100, 0, 64});  // sounds until 2.25 s
  EXPECT_GT(energy(synthesize(score, {.reverb = false}), 1.0, 2.0), 1.0);
}

TEST(Synthesize, TheSameScoreGivesTheSameSamplesInAnyThread) {
  NEEDS_SOUNDFONT();
  const Score score = note(0, 60, 0, 960);
  std::vector<AudioBuffer> results(4);
  parallel_for(
      results.size(),
      [&](std::size_t i) {
        synthesize(note(48, 40 + static_cast<int>(i), 0, 480));
        results[i] = synthesize(score);
      },
      2);
  for (const AudioBuffer& result : results) EXPECT_EQ(result.samples, results[0].samples);
}

TEST(Synthesize, AnEmptyScoreIsItsSilentTail) {
  NEEDS_SOUNDFONT();
  const AudioBuffer audio = synthesize(Score{}, {.sample_rate = 22050, .tail = 0.5});
  EXPECT_NEAR(audio.duration().value, 0.5, 0.01);
  EXPECT_LT(energy(audio, 0, 1), 1e-6);
}

TEST(Synthesize, RefusesAbsurdLengthsAndMissingSoundfonts) {
  const auto category = [](const Score& score, const SynthesisOptions& options) {
    try {
      synthesize(score, options);
    } catch (const Error& error) {
      return error.category();
    }
    return Category::interrupted;
  };
  EXPECT_EQ(category(note(0, 60, std::int64_t{1} << 40, 10), {}), Category::bad_input);
  EXPECT_EQ(category(Score{}, {.soundfont = "no/such/font.sf2"}), Category::not_found);
  EXPECT_EQ(category(Score{}, {.channels = 5}), Category::usage);
}

}  // namespace
}  // namespace euterpe
