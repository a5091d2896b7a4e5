#include "corpus/media_rendered.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "corpus/media_augment_audio.hpp"
#include "corpus/music.hpp"

namespace euterpe {
namespace {

RenderedMusic walks() {
  std::vector<Piece> pieces;
  for (std::uint64_t i = 0; i < 4; ++i)
    pieces.push_back({"walk" + std::to_string(i), i % 2 ? "folk" : "pop", "g", "train", test::walk(i)});
  Score groove;
  Track& drums = add_track(groove, "", 0, 9);
  for (int i = 0; i < 8; ++i) drums.notes.push_back({i * 480, 120, static_cast<std::uint8_t>(i % 2 ? 38 : 36), 100, 9});
  return {std::move(pieces), {groove}};
}

double power(std::span<const float> samples) {
  double sum = 0;
  for (const float s : samples) sum += static_cast<double>(s) * s;
  return sum / static_cast<double>(samples.size());
}

TEST(RenderedMusic, plays_the_same_clip_for_the_same_seed_and_others_for_others) {
  const RenderedMusic music = walks();
  EXPECT_EQ(music.styles(), (std::vector<std::string>{"folk", "pop"}));
  const RenderedClip a = music.render(1, 7), b = music.render(1, 7), c = music.render(1, 8);
  EXPECT_EQ(a.audio.samples, b.audio.samples);
  EXPECT_EQ(a.notes, b.notes);
  EXPECT_NE(a.notes, c.notes);
}

TEST(RenderedMusic, sounds_when_it_says_that_notes_sound) {
  const RenderedMusic music = walks();
  std::set<int> programs, keys;
  int drums = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const RenderedClip clip = music.render(1.5, seed);
    ASSERT_EQ(clip.audio.samples.size(), 33075u);
    EXPECT_EQ(clip.audio.channels, 1);
    ASSERT_FALSE(clip.notes.empty());
    EXPECT_TRUE(std::is_sorted(clip.notes.begin(), clip.notes.end(),
                               [](const auto& x, const auto& y) { return x.begin < y.begin; }));
    for (const SoundingNote& n : clip.notes) {
      EXPECT_GE(n.begin, 0);
      EXPECT_LT(n.begin, 1.5);
      EXPECT_GT(n.end, n.begin);
      (n.instrument >= kPercussion ? keys : programs).insert(n.instrument);
    }
    drums += clip.drum_kit >= 0;
    EXPECT_GT(power(clip.audio.samples), 1e-7) << seed;
  }
  EXPECT_GE(programs.size(), 6u);
  EXPECT_GE(drums, 1);
  EXPECT_FALSE(keys.empty());
}

TEST(SyntheticSounds, are_rooms_that_die_away_and_noises_that_do_not) {
  const AugmentationSounds sounds = synthetic_sounds(22050, 1);
  ASSERT_FALSE(sounds.noises.empty());
  for (const AudioBuffer& noise : sounds.noises) {
    const auto half = noise.frames() / 2;
    const double first = power(noise.channel(0).first(half)), second = power(noise.channel(0).last(half));
    EXPECT_LT(std::abs(10 * std::log10(first / second)), 3);
  }
  for (const AudioBuffer& room : sounds.responses) {
    const auto third = room.frames() / 3;
    EXPECT_LT(power(room.channel(0).last(third)), 0.05 * power(room.channel(0).first(third)));
  }
}

}  // namespace
}  // namespace euterpe
