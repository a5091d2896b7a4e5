// Which files hold the same recording, and which only the same music.
#include "corpus/media_near_duplicates.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "corpus/media_effects.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"
#include "media/samples.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {

constexpr int kRate = kLandmarkRate;

class NearDuplicates : public ::testing::Test {
 protected:
  test::Folder folder;
  std::vector<std::filesystem::path> files;

  std::size_t add(std::vector<float> samples, const std::string& extension = ".wav", int bitrate = 0) {
    files.push_back(folder / (std::to_string(files.size()) + extension));
    encode(files.back(), {kRate, 1, std::move(samples)}, {.bitrate = bitrate});
    return files.size() - 1;
  }
  std::vector<Constellation> prints() const {
    std::vector<Constellation> all;
    for (const auto& file : files) all.push_back(constellation(decode(file).samples));
    return all;
  }
  std::vector<DuplicatePair> found(const DuplicateOptions& options = {}) const {
    return find_near_duplicates(files, prints(), options);
  }
};

std::vector<float> louder(std::vector<float> x, double db) {
  for (float& v : x) v *= static_cast<float>(std::pow(10, db / 20));
  return x;
}

/// The same notes at the same moments; the phases of their partials are those of another performance.
std::vector<float> performance(std::uint64_t phases, double seconds) {
  Random notes(4), phase(phases);
  std::vector<float> out(static_cast<std::size_t>(seconds * kRate), 0.F);
  for (double at = 0; at < seconds; at += notes.uniform(0.2, 0.4)) {
    const auto begin = static_cast<std::size_t>(at * kRate);
    const double pitch = 220 * std::exp2(static_cast<double>(notes.below(24)) / 12);
    for (int partial = 1; partial <= 4; ++partial) {
      const double start = phase.uniform(0, 2 * std::numbers::pi);
      for (std::size_t i = begin; i < std::min(out.size(), begin + kRate / 2); ++i) {
        const double t = static_cast<double>(i - begin) / kRate;
        out[i] += static_cast<float>(0.15 / partial * std::exp(-5 * t) *
                                     std::sin(2 * std::numbers::pi * pitch * partial * t + start));
      }
    }
  }
  return out;
}

TEST_F(NearDuplicates, are_found_re_encoded_cut_and_louder_and_strangers_are_left_in_peace) {
  const auto a = test::music(1, 12), b = test::music(2, 12);
  add(a);
  add(b);
  add(test::music(3, 12));
  add(a, ".mp3", 24000);
  add(test::excerpt(b, 5.013, 6.2), ".ogg", 32000);
  add(louder(test::excerpt(a, 0, 7), -14), ".mp3", 32000);
  const auto pairs = found();
  std::vector<std::pair<std::size_t, std::size_t>> names;
  for (const DuplicatePair& p : pairs) {
    names.emplace_back(p.a, p.b);
    EXPECT_GT(p.correlation, 0.9);
    EXPECT_LT(p.jitter, 1e-3);
    EXPECT_FALSE(p.inverted);
  }
  EXPECT_EQ(names, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 3}, {0, 5}, {1, 4}, {3, 5}}));
  EXPECT_NEAR(pairs[2].offset, 5.013, 2e-3);
  EXPECT_NEAR(pairs[2].overlap, 6.2, 0.2);
  EXPECT_NEAR(pairs[1].gain_db, -14, 0.5);
}

TEST_F(NearDuplicates, overlapping_excerpts_of_one_recording_are_a_pair) {
  const auto a = test::music(1, 20);
  add(test::excerpt(a, 0, 13));
  add(test::excerpt(a, 7, 13));
  const auto pairs = found();
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_NEAR(pairs[0].offset, 7, 1e-3);
  EXPECT_NEAR(pairs[0].overlap, 6, 0.2);
}

TEST_F(NearDuplicates, another_performance_of_the_same_notes_is_none) {
  add(performance(1, 12));
  add(performance(2, 12));
  const auto heard = prints();
  EXPECT_EQ(propose_duplicates(heard).size(), 1u);  // its landmarks are the same
  EXPECT_TRUE(found().empty());
  DuplicateOptions anything;
  anything.correlation = 0;
  ASSERT_EQ(found(anything).size(), 1u);
  EXPECT_LT(found(anything)[0].correlation, 0.5);
}

TEST_F(NearDuplicates, know_a_copy_of_turned_polarity) {
  auto a = test::music(1, 8);
  add(a);
  for (float& v : a) v = -v;
  add(a);
  const auto pairs = found();
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_TRUE(pairs[0].inverted);
}

TEST_F(NearDuplicates, of_less_than_the_shortest_stretch_are_passed_over) {
  const auto a = test::music(1, 12);
  add(a);
  add(test::excerpt(a, 2, 5));
  DuplicateOptions options;
  options.shortest = 6;
  EXPECT_TRUE(found(options).empty());
  options.shortest = 4;
  EXPECT_EQ(found(options).size(), 1u);
}

TEST_F(NearDuplicates, silence_and_files_that_vanished_make_no_pair) {
  add(std::vector<float>(8 * kRate, 0.F));
  add(std::vector<float>(8 * kRate, 0.F));
  EXPECT_TRUE(found().empty());
  add(test::music(1, 8));
  add(test::music(1, 8));
  const auto heard = prints();
  std::filesystem::remove(files.back());
  EXPECT_TRUE(find_near_duplicates(files, heard).empty());
}

TEST(DuplicateFamilies, join_what_is_linked_through_others) {
  const auto pair = [](std::size_t a, std::size_t b) {
    DuplicatePair p;
    p.a = a;
    p.b = b;
    return p;
  };
  const std::vector<DuplicatePair> pairs{pair(1, 4), pair(4, 5), pair(2, 3)};
  EXPECT_EQ(duplicate_families(7, pairs), (std::vector<std::size_t>{0, 1, 2, 2, 1, 1, 6}));
}

}  // namespace
}  // namespace euterpe
