#include "score/structure.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr int kBeatsPerBar = 4, kBarsPerSection = 8;
constexpr double kBeatSeconds = 0.5;

struct Section {
  std::array<int, 4> roots;  ///< chords, one a bar, played twice
  int density;               ///< melody notes a beat
  int lowest;
};

/// Sections of eight bars: chords under a melody that is drawn anew for every appearance.
Score song(const std::string& form, std::uint64_t seed) {
  const std::array<Section, 3> sections{{{{0, 9, 5, 7}, 1, 60}, {{9, 4, 2, 11}, 2, 72}, {{5, 2, 10, 3}, 1, 79}}};
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  Random random(seed);
  std::int64_t at = 0;
  for (const char name : form) {
    const Section& section = sections.at(static_cast<std::size_t>(name - 'A'));
    for (int bar = 0; bar < kBarsPerSection; ++bar) {
      const int root = section.roots[static_cast<std::size_t>(bar % 4)];
      for (const int third : {0, 4, 7})
        track.notes.push_back({at, 480 * kBeatsPerBar, static_cast<std::uint8_t>(48 + (root + third) % 12), 70, 0, 64});
      for (int n = 0; n < kBeatsPerBar * section.density; ++n) {
        const int step = static_cast<int>(random.below(3));
        const int pitch = section.lowest + (root + std::array{0, 4, 7}[static_cast<std::size_t>(step)]) % 12;
        track.notes.push_back(
            {at + 480 * n / section.density, 480 / section.density, static_cast<std::uint8_t>(pitch), 80, 0, 64});
      }
      at += 480 * kBeatsPerBar;
    }
  }
  score.sort();
  return score;
}

std::vector<Beat> beats_of(const Score& score) {
  std::vector<Beat> beats;
  for (int i = 0; i * kBeatSeconds < score.duration().value; ++i)
    beats.push_back({i * kBeatSeconds, i % kBeatsPerBar + 1});
  return beats;
}

TEST(Structure, sections_of_a_song_begin_where_they_were_put_and_repeats_share_a_label) {
  constexpr double kSection = kBarsPerSection * kBeatsPerBar * kBeatSeconds, kBar = kBeatsPerBar * kBeatSeconds;
  for (const std::string form : {"ABA", "ABACA", "ABCAB", "ABAB"}) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const Score score = song(form, seed);
      const auto found = estimate_structure(score, beats_of(score));
      ASSERT_EQ(found.size(), form.size()) << form << ' ' << seed;
      for (std::size_t i = 0; i < form.size(); ++i) {
        EXPECT_NEAR(found[i].start, static_cast<double>(i) * kSection, kBar) << form << ' ' << i;
        EXPECT_EQ(found[i].label, std::string(1, form[i])) << form << ' ' << i;
      }
    }
  }
}

TEST(Structure, segments_cover_the_piece_without_gap_or_overlap) {
  const Score score = song("ABCA", 1);
  const auto found = estimate_structure(score, {});
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().start, 0);
  EXPECT_DOUBLE_EQ(found.back().end, score.duration().value);
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_EQ(found[i].start, found[i - 1].end);
}

TEST(Structure, a_piece_of_one_bar_is_one_segment_and_an_empty_one_none) {
  Score score;
  EXPECT_TRUE(estimate_structure(score, {}).empty());
  add_track(score, "", 0, 0).notes.push_back({0, 480, 60, 80, 0, 64});
  const auto found = estimate_structure(score, {});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].label, "A");
}

TEST(Structure, a_note_after_a_hundred_years_takes_little_memory) {
  Score score;
  score.ticks_per_quarter = 1;
  add_track(score, "", 0, 0).notes.push_back({6'000'000'000, 1, 60, 80, 0, 64});
  const auto found = estimate_structure(score, {});
  ASSERT_FALSE(found.empty());
  EXPECT_NEAR(found.back().end, 3e9, 1);
}

TEST(Structure, coarser_steps_keep_the_time_axis_and_the_mean) {
  StructureFeatures f;
  for (int i = 0; i <= 10; ++i) f.times.push_back(i);
  f.harmony.assign(10 * 12, 0.0f);
  for (std::size_t i = 0; i < 10; ++i) f.harmony[i * 12] = static_cast<float>(i);
  f.downbeat = {true, false, false, false, true, false, false, false, true, false};
  const StructureFeatures g = coarsened(f, 4);
  EXPECT_EQ(g.times, (std::vector<double>{0, 3, 6, 9, 10}));
  EXPECT_EQ(g.harmony[0], 1.0f);
  EXPECT_EQ(g.harmony[3 * 12], 9.0f);
  EXPECT_EQ(g.downbeat, (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(g.step_beats, 3);
}

}  // namespace
}  // namespace euterpe
