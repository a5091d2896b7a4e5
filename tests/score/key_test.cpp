#include "score/key.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace euterpe {
namespace {

std::array<double, 12> weights_of(std::initializer_list<int> scale, int tonic) {
  std::array<double, 12> weights{};
  for (const int degree : scale) weights[static_cast<std::size_t>((tonic + degree) % 12)] += 1;
  weights[static_cast<std::size_t>(tonic)] += 1;  // the tonic and the fifth sound longest
  weights[static_cast<std::size_t>((tonic + 7) % 12)] += 0.5;
  return weights;
}

TEST(EstimateKey, finds_every_major_and_minor_key_from_its_scale) {
  std::set<std::string> names;
  for (int tonic = 0; tonic < 12; ++tonic) {
    const KeyEstimate major = estimate_key(weights_of({0, 2, 4, 5, 7, 9, 11}, tonic));
    EXPECT_EQ(major.tonic, tonic);
    EXPECT_FALSE(major.minor);
    const KeyEstimate minor = estimate_key(weights_of({0, 2, 3, 5, 7, 8, 11}, tonic));
    EXPECT_EQ(minor.tonic, tonic);
    EXPECT_TRUE(minor.minor);
    names.insert(major.name());
    names.insert(minor.name());
  }
  EXPECT_EQ(names.size(), 24u);
  EXPECT_TRUE(names.contains("Eb major") && names.contains("C# minor") && names.contains("Bb minor"));
}

TEST(EstimateKey, is_surer_of_a_clear_key_than_of_an_ambiguous_one) {
  const double clear = estimate_key(weights_of({0, 2, 4, 5, 7, 9, 11}, 0)).confidence;
  std::array<double, 12> whole_tone{};
  for (std::size_t i = 0; i < 12; i += 2) whole_tone[i] = 1;
  const double ambiguous = estimate_key(whole_tone).confidence;
  EXPECT_GT(clear, 0.4);
  EXPECT_LT(ambiguous, 0.1);
  EXPECT_LE(clear, 1);
}

TEST(EstimateKey, has_no_confidence_where_nothing_or_everything_sounds) {
  EXPECT_EQ(estimate_key({}).confidence, 0);
  std::array<double, 12> flat;
  flat.fill(0.7);
  EXPECT_EQ(estimate_key(flat).confidence, 0);
  std::array<double, 12> broken{};
  broken[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(estimate_key(broken).confidence, 0);
}

TEST(PitchClassDurations, count_seconds_through_the_tempo_map_and_leave_drums_out) {
  Score score;
  score.ticks_per_quarter = 100;
  score.tempos = {{0, 500000}, {100, 1000000}};  // 0.5 s, then 1 s a quarter
  Track& piano = add_track(score, "piano", 0, 0);
  piano.notes.push_back({0, 200, 60, 80, 0, 64});   // C: 0.5 + 1 s
  piano.notes.push_back({100, 50, 74, 80, 0, 64});  // D: 0.5 s
  Track& drums = add_track(score, "drums", 0, 9);
  drums.notes.push_back({0, 400, 36, 80, 9, 64});
  const auto seconds = pitch_class_durations(score);
  EXPECT_DOUBLE_EQ(seconds[0], 1.5);
  EXPECT_DOUBLE_EQ(seconds[2], 0.5);
  double total = 0;
  for (const double s : seconds) total += s;
  EXPECT_DOUBLE_EQ(total, 2);
}

TEST(KeySignature, has_at_most_six_signs) {
  const auto fifths = [](int tonic, bool minor) { return int{key_signature({tonic, minor}).fifths}; };
  EXPECT_EQ(fifths(0, false), 0);
  EXPECT_EQ(fifths(9, true), 0);
  EXPECT_EQ(fifths(7, false), 1);
  EXPECT_EQ(fifths(5, false), -1);
  EXPECT_EQ(fifths(6, false), 6);
  EXPECT_EQ(fifths(1, false), -5);
  EXPECT_EQ(fifths(4, true), 1);
  EXPECT_TRUE(key_signature({4, true}).minor);
}

}  // namespace
}  // namespace euterpe
