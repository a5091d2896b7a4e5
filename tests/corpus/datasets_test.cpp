#include "corpus/datasets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

class Datasets : public ::testing::Test {
 protected:
  fs::path data;
  void SetUp() override {
    const char* set = std::getenv("EUTERPE_DATA");
    if (!set) GTEST_SKIP() << "EUTERPE_DATA is not set: no public data sets to read";
    data = set;
  }
};

std::map<std::string, int> splits(const std::vector<Piece>& pieces) {
  std::map<std::string, int> out;
  for (const Piece& p : pieces) ++out[p.split];
  return out;
}

/// Every id once, every group in one split.
void expect_disjoint(const std::vector<Piece>& pieces) {
  std::set<std::string> ids;
  std::map<std::string, std::string> split_by_group;
  for (const Piece& p : pieces) {
    EXPECT_TRUE(ids.insert(p.id).second) << p.id;
    const auto [it, fresh] = split_by_group.emplace(p.group, p.split);
    EXPECT_EQ(it->second, p.split) << p.group;
  }
}

void expect_eight_one_one(const std::vector<Piece>& pieces) {
  const auto n = static_cast<double>(pieces.size());
  auto counts = splits(pieces);
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_NEAR(counts["train"] / n, 0.8, 0.05);
  EXPECT_NEAR(counts["valid"] / n, 0.1, 0.04);
  EXPECT_NEAR(counts["test"] / n, 0.1, 0.04);
}

TEST_F(Datasets, chorales_keep_their_published_split_and_four_voices_in_order) {
  const auto pieces = read_jsb(data / "jsb");
  EXPECT_EQ(splits(pieces), (std::map<std::string, int>{{"train", 229}, {"valid", 76}, {"test", 77}}));
  expect_disjoint(pieces);
  std::size_t moments = 0, ordered = 0;
  for (const Piece& piece : pieces) {
    ASSERT_EQ(piece.score.tracks.size(), 4u);
    const int step = piece.score.ticks_per_quarter / 4;
    for (std::int64_t tick = 0; tick < piece.score.end_tick(); tick += 4 * step) {
      std::vector<int> chord;
      for (const Track& voice : piece.score.tracks)
        for (const Note& n : voice.notes)
          if (n.start <= tick && tick < n.end()) chord.push_back(n.pitch);
      if (chord.size() < 4) continue;
      ++moments;
      ordered += std::is_sorted(chord.rbegin(), chord.rend());
    }
    // The last bar of a chorale is full, and no note crosses a bar line.
    EXPECT_EQ(piece.score.end_tick() % (16 * step), 0) << piece.id;
    for (const Track& voice : piece.score.tracks)
      for (const Note& n : voice.notes) EXPECT_EQ(n.start / (16 * step), (n.end() - 1) / (16 * step)) << piece.id;
  }
  EXPECT_GT(moments, 10000u);
  EXPECT_GT(static_cast<double>(ordered), 0.97 * static_cast<double>(moments));
}

TEST_F(Datasets, folk_tunes_are_all_there_and_split_by_tune) {
  const auto pieces = read_nottingham(data / "nottingham");
  EXPECT_GT(pieces.size(), 1000u);
  EXPECT_LE(pieces.size(), 1034u);
  expect_disjoint(pieces);
  expect_eight_one_one(pieces);
  for (const Piece& p : pieces) EXPECT_EQ(p.style, "folk");
}

TEST_F(Datasets, pop_songs_stand_on_their_bar_lines) {
  const auto pieces = read_pop909(data / "pop909");
  EXPECT_EQ(pieces.size(), 909u);
  expect_disjoint(pieces);
  expect_eight_one_one(pieces);
  // Where bar lines stand right, music begins on a downbeat more often than on any other beat.
  std::array<std::size_t, 4> on_beat{};
  for (const Piece& p : pieces) {
    const auto& meters = p.score.meters;
    ASSERT_EQ(meters.size(), 1u);
    if (meters[0].numerator != 4) continue;
    const int quarter = p.score.ticks_per_quarter;
    for (const Note& n : p.score.tracks.back().notes) {
      const auto beat = (n.start + quarter / 8) / quarter;
      if (std::abs(n.start - beat * quarter) <= quarter / 8) ++on_beat[static_cast<std::size_t>(beat % 4)];
    }
  }
  for (std::size_t beat = 1; beat < 4; ++beat) EXPECT_GT(on_beat[0], on_beat[beat]) << beat;
}

TEST_F(Datasets, classical_movements_of_one_work_stay_in_one_split) {
  const auto pieces = read_classical(data / "classical");
  EXPECT_GT(pieces.size(), 100u);
  expect_disjoint(pieces);
  std::set<std::string> groups;
  for (const Piece& p : pieces) groups.insert(p.group);
  EXPECT_LT(groups.size(), pieces.size());
}

TEST(Split, is_the_same_on_every_machine_and_every_day) {
  EXPECT_EQ(split_of("nottingham/jigs10"), split_of("nottingham/jigs10"));
  // By the definition: the hash's first 32 bits as a fraction, below 0.8 train, below 0.9 valid.
  std::map<std::string, int> counts;
  for (int i = 0; i < 2000; ++i) {
    const std::string group = "group" + std::to_string(i);
    const double x = static_cast<double>(std::stoul(sha256(group).substr(0, 8), nullptr, 16)) / 4294967296.0;
    EXPECT_EQ(split_of(group), x < 0.8 ? "train" : x < 0.9 ? "valid" : "test");
    ++counts[split_of(group)];
  }
  EXPECT_NEAR(counts["train"], 1600, 60);
  EXPECT_NEAR(counts["test"], 200, 45);
}

TEST(Dataset, of_an_unknown_name_lists_those_there_are) {
  try {
    dataset("bach");
    FAIL() << "was found";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(e.hint().find("jsb, nottingham"), std::string::npos) << e.hint();
  }
}

class Jsb : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::vector<Piece> read(const std::string& train) {
    test::write(folder / "Jsb16thSeparated.json", "{\"train\": [" + train + "], \"valid\": [], \"test\": []}");
    return read_jsb(folder.path());
  }
};

TEST_F(Jsb, holds_equal_neighbors_as_one_note_and_cuts_it_at_the_bar_line) {
  // Eighteen steps: an upbeat of two and one full bar.
  std::string steps;
  for (int t = 0; t < 18; ++t) steps += std::string(t ? "," : "") + (t < 6 ? "[72,67,64,48]" : "[74,67,64,-1]");
  const Score score = read("[" + steps + "]").front().score;
  const std::int64_t step = score.ticks_per_quarter / 4;
  const auto& soprano = score.tracks[0].notes;
  ASSERT_EQ(soprano.size(), 3u);
  EXPECT_EQ(soprano[0].start, 14 * step);
  EXPECT_EQ(soprano[0].duration, 2 * step);
  EXPECT_EQ(soprano[1].start, 16 * step);
  EXPECT_EQ(soprano[1].duration, 4 * step);
  EXPECT_EQ(soprano[2].pitch, 74);
  EXPECT_EQ(soprano[2].end(), 32 * step);
  EXPECT_EQ(score.tracks[3].notes.back().end(), 20 * step);  // then the bass rests
}

TEST_F(Jsb, that_is_malformed_is_an_error_and_no_crash) {
  for (const char* bad : {"5", "[5]", "[[60,60,60]]", "[[60,60,60,null]]", "[[60,60,60,\"x\"]]", "[[60,60,60,128]]",
                          "[[1e300,60,60,60]]", "[[60,60,60,60]"})
    EXPECT_THROW(read(bad), Error) << bad;
  EXPECT_THROW(read_jsb(folder / "nowhere"), Error);
}

TEST(Readers, of_an_empty_folder_say_so) {
  const test::TemporaryFolder folder;
  for (const Dataset& set : datasets()) EXPECT_THROW(set.read(folder.path()), Error) << set.name;
}

}  // namespace
}  // namespace euterpe
