#include "score/annotate.hpp"

#include <gtest/gtest.h>

#include <array>

namespace euterpe {
namespace {

/// C–F–G–C, a bar each, under a melody in quarters; 120 quarter notes a minute.
Score cadences(int times) {
  constexpr std::array kRoots{0, 5, 7, 0};
  Score score;
  add_track(score, "chords", 0, 0);
  add_track(score, "melody", 73, 1);
  std::int64_t at = 0;
  for (int n = 0; n < times; ++n) {
    for (const int root : kRoots) {
      score.tracks[0].notes.push_back({at, 1920, static_cast<std::uint8_t>(36 + root), 90, 0, 64});
      for (const int tone : {0, 4, 7})
        score.tracks[0].notes.push_back({at, 1920, static_cast<std::uint8_t>(48 + root + tone), 70, 0, 64});
      for (int beat = 0; beat < 4; ++beat)
        score.tracks[1].notes.push_back(
            {at + 480 * beat, 480,
             static_cast<std::uint8_t>(72 + root + std::array{0, 4, 7, 4}[static_cast<std::size_t>(beat)]),
             static_cast<std::uint8_t>(beat == 0 ? 100 : 80), 1, 64});
      at += 1920;
    }
  }
  score.sort();
  return score;
}

TEST(AnnotateScore, names_beats_key_chords_and_melody_of_a_plain_piece) {
  const Annotations a = annotate(cadences(6));
  EXPECT_DOUBLE_EQ(a.duration, 48);
  EXPECT_NEAR(a.tempo, 120, 1);
  EXPECT_EQ(a.beats_per_bar, 4);
  ASSERT_GT(a.beats.size(), 90u);
  EXPECT_NEAR(a.beats[4].time, 2.0, 0.02);
  EXPECT_EQ(a.beats[4].position, 1);
  ASSERT_EQ(a.keys.size(), 1u);
  EXPECT_EQ(a.keys[0].tonic, 0);
  EXPECT_FALSE(a.keys[0].minor);
  double right = 0;
  for (const ChordSegment& c : a.chords) {
    constexpr std::array kExpected{0, 5, 7, 0};
    for (double t = c.start + 0.25; t < c.end; t += 0.5)
      right += majmin_class(c.chord) == kExpected[static_cast<std::size_t>(t / 2) % 4] ? 0.5 : 0;
  }
  EXPECT_GT(right, 0.9 * a.duration);
  ASSERT_GT(a.melody.hop, 0);
  EXPECT_NEAR(a.melody.hz[static_cast<std::size_t>(0.25 / a.melody.hop)], 523.25, 5);
}

TEST(AnnotateScore, says_nothing_of_a_score_without_notes) {
  Score empty;
  const Annotations a = annotate(empty);
  EXPECT_EQ(a.duration, 0);
  EXPECT_TRUE(a.beats.empty() && a.keys.empty() && a.chords.empty() && a.structure.empty() && a.melody.hz.empty());
}

TEST(AnnotateScore, drums_alone_have_beats_but_no_harmony) {
  Score score;
  Track& drums = add_track(score, "drums", 0, 9);
  drums.drums = true;
  for (int i = 0; i < 64; ++i)
    drums.notes.push_back({i * 480, 120, static_cast<std::uint8_t>(i % 2 ? 38 : 36), 100, 9, 64});
  const Annotations a = annotate(score);
  EXPECT_NEAR(a.tempo, 120, 2);
  for (const ChordSegment& c : a.chords) EXPECT_EQ(c.chord.root, -1);
}

}  // namespace
}  // namespace euterpe
