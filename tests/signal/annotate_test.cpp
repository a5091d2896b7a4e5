#include "signal/annotate.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "media/synthesize.hpp"

namespace euterpe {
namespace {

/// C–A minor–F–G on the piano, a bar each, 120 quarter notes a minute, with bass drum and snare: 32 s.
std::vector<float> song() {
  Score score;
  add_track(score, "piano", 0, 0);
  add_track(score, "drums", 0, 9).drums = true;
  for (std::int64_t bar = 0; bar < 16; ++bar) {
    const int root = std::array{0, 9, 5, 7}[static_cast<std::size_t>(bar % 4)];
    const int third = root == 9 ? 3 : 4;
    for (int beat = 0; beat < 4; ++beat) {
      const std::int64_t at = (bar * 4 + beat) * 480;
      for (const int tone : {-12, 0, third, 7})
        score.tracks[0].notes.push_back({at, 460, static_cast<std::uint8_t>(52 + root + tone), 90, 0, 64});
      score.tracks[1].notes.push_back({at, 100, static_cast<std::uint8_t>(beat % 2 ? 38 : 36), 110, 9, 64});
    }
  }
  for (Note& note : score.tracks[0].notes) note.pitch = static_cast<std::uint8_t>(note.pitch - 4);  // C at 48
  score.sort();
  SynthesisOptions options;
  options.sample_rate = 22050;
  options.channels = 1;
  return synthesize(score, options).samples;
}

TEST(Annotate, hears_tempo_key_and_chords_of_a_played_song) {
  const std::vector<float> audio = song();
  const Annotations a = annotate(audio);
  EXPECT_NEAR(a.duration, static_cast<double>(audio.size()) / 22050, 1e-6);
  EXPECT_NEAR(a.tempo, 120, 2);
  ASSERT_FALSE(a.keys.empty());
  EXPECT_EQ(a.keys.front().tonic, 0);
  EXPECT_FALSE(a.keys.front().minor);
  double right = 0;
  constexpr std::array kExpected{0, 12 + 9, 5, 7};
  for (const ChordSegment& c : a.chords)
    for (double t = c.start + 0.05; t < std::min(c.end, 32.0); t += 0.1)
      right += majmin_class(c.chord) == kExpected[static_cast<std::size_t>(t / 2) % 4] ? 0.1 : 0;
  EXPECT_GT(right, 0.8 * 32);
  EXPECT_FALSE(a.melody.hz.empty());
  ASSERT_FALSE(a.structure.empty());
  EXPECT_NEAR(a.structure.back().end, a.duration, 1e-6);
}

TEST(Annotate, blocks_of_any_size_say_the_same_as_the_whole) {
  const std::vector<float> audio = song();
  const Annotations whole = annotate(audio);
  Annotator blocks;
  for (std::size_t at = 0; at < audio.size(); at += 4410)
    blocks.push(std::span(audio).subspan(at, std::min<std::size_t>(4410, audio.size() - at)));
  const Annotations parts = blocks.finish();
  ASSERT_EQ(parts.beats.size(), whole.beats.size());
  EXPECT_EQ(parts.chords.size(), whole.chords.size());
  EXPECT_EQ(parts.melody.hz, whole.melody.hz);
  EXPECT_EQ(parts.tempo, whole.tempo);
}

TEST(Annotate, silence_nothing_and_what_is_no_number_have_no_music) {
  for (const std::vector<float>& audio :
       {std::vector<float>(), std::vector<float>(100, 0.0f), std::vector<float>(22050 * 5, 0.0f),
        std::vector<float>(22050 * 5, std::numeric_limits<float>::quiet_NaN())}) {
    const Annotations a = annotate(audio);
    EXPECT_NEAR(a.duration, static_cast<double>(audio.size()) / 22050, 1e-9);
    EXPECT_TRUE(a.beats.empty());
    EXPECT_TRUE(a.keys.empty());
    for (const ChordSegment& c : a.chords) EXPECT_EQ(c.chord.root, -1);
    for (const float hz : a.melody.hz) EXPECT_EQ(hz, 0.0f);
  }
}

}  // namespace
}  // namespace euterpe
