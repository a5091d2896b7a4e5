#include "score/passage_alignment.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"
#include "passages.hpp"

namespace euterpe {
namespace {

std::vector<PassageOnset> melody(std::uint64_t seed, int bars = 8) {
  return passage_lines(test::tune(seed, bars)).at(2).onsets;
}

std::vector<PassageOnset> moved(std::vector<PassageOnset> line, int semitones, double stretch, double later) {
  for (PassageOnset& o : line) {
    o.top += semitones;
    o.bottom += semitones;
    o.time = later + stretch * o.time;
    o.end = later + stretch * o.end;
  }
  return line;
}

TEST(PassageAlignment, a_line_in_another_key_and_tempo_is_wholly_the_same) {
  const auto line = melody(3);
  const auto found = align_passages(moved(line, 5, 2, 7), line);
  EXPECT_EQ(found.notes.size(), line.size());
  EXPECT_EQ(found.matched, line.size());
  EXPECT_EQ(found.transposition, 5);
  EXPECT_DOUBLE_EQ(found.tempo_ratio, 0.5);
  EXPECT_DOUBLE_EQ(found.share, 1);
  EXPECT_DOUBLE_EQ(found.similarity, 1);
}

TEST(PassageAlignment, finds_the_passage_in_the_middle_of_other_music) {
  const auto line = melody(3, 4);
  auto host = melody(80);
  const double end = host.back().end;
  const std::size_t before = host.size();
  for (const PassageOnset& o : moved(line, -2, 1, end)) host.push_back(o);
  for (const PassageOnset& o : moved(melody(81), 0, 1, end + 16)) host.push_back(o);
  const auto found = align_passages(host, line);
  EXPECT_EQ(found.transposition, -2);
  EXPECT_NEAR(static_cast<double>(found.notes.front().first), static_cast<double>(before), 2);
  EXPECT_GE(found.matched + 2, line.size());
}

TEST(PassageAlignment, bridges_an_added_and_a_changed_note) {
  const auto line = melody(9);
  auto other = line;
  other[10].top += 2;
  PassageOnset grace = other[20];
  grace.time -= 0.1;
  grace.top += 1;
  other.insert(other.begin() + 20, grace);
  const auto found = align_passages(other, line);
  EXPECT_EQ(found.notes.size(), line.size());
  EXPECT_GE(found.matched + 4, line.size());  // the changed note, and what stands at another distance by the added one
  EXPECT_LT(found.similarity, 1);
  EXPECT_GT(found.similarity, 0.8);
}

TEST(PassageAlignment, an_octave_costs_less_than_a_second) {
  const auto line = melody(9);
  auto octave = line, second = line;
  octave[12].top += 12;
  second[12].top += 2;
  EXPECT_GT(align_passages(octave, line, 0, 1).similarity, align_passages(second, line, 0, 1).similarity);
}

TEST(PassageAlignment, other_lines_share_little) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto found = align_passages(melody(seed), melody(seed + 100));
    EXPECT_LT(static_cast<double>(found.matched), 14) << seed;
  }
}

TEST(PassageAlignment, nothing_agrees_with_nothing) {
  EXPECT_TRUE(align_passages({}, melody(1)).notes.empty());
  EXPECT_TRUE(align_passages(melody(1), {}).notes.empty());
}

RC_GTEST_PROP(PassageAlignment, pairs_ascend_in_both_lines_and_shares_are_shares, (std::uint64_t seed)) {
  Random random(seed);
  const auto line = [&] {
    std::vector<PassageOnset> out(random.below(40));
    double at = 0;
    for (PassageOnset& o : out) {
      o = {at, at + 0.5, static_cast<int>(60 + random.below(8)), 60};
      at += 0.25 * static_cast<double>(random.below(5));
    }
    return out;
  };
  const auto a = line(), b = line();
  const auto found = align_passages(a, b);
  for (std::size_t k = 0; k < found.notes.size(); ++k) {
    RC_ASSERT(found.notes[k].first < a.size() && found.notes[k].second < b.size());
    if (k > 0)
      RC_ASSERT(found.notes[k].first > found.notes[k - 1].first && found.notes[k].second > found.notes[k - 1].second);
  }
  RC_ASSERT(found.share >= 0 && found.share <= 1);
  RC_ASSERT(found.similarity >= 0 && found.similarity <= 1);
  RC_ASSERT(found.matched <= found.notes.size());
}

}  // namespace
}  // namespace euterpe
