#include "score/passage_index.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "passages.hpp"
#include "score/passage_search.hpp"

namespace euterpe {
namespace {

class Passages : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kPieces = 40;
  Passages() : index(build()) {}
  static std::vector<std::uint8_t> build(const PassageIndexOptions& options = {}) {
    PassageIndexBuilder builder(options);
    for (std::uint64_t i = 0; i < kPieces; ++i) builder.add("piece " + std::to_string(i), test::tune(i));
    return builder.finish(77);
  }
  PassageMatch nearest(const Score& score) const {
    const PassageIndex* list[] = {&index};
    const auto found = find_passages(score, list);
    return found.empty() ? PassageMatch{} : found.front();
  }
  PassageIndex index;
};

TEST_F(Passages, finds_four_bars_in_another_key_at_another_tempo_and_says_where_they_stand) {
  const Score copy = test::plant(test::tune(900), test::tune(7), 4, 4, 8, -5, 0.75);
  const PassageMatch m = nearest(copy);
  EXPECT_EQ(m.piece, "piece 7");
  EXPECT_EQ(m.transposition, -5);
  EXPECT_NEAR(m.tempo_ratio, 4.0 / 3, 0.1);
  EXPECT_NEAR(m.from, 32, 2);
  EXPECT_NEAR(m.source_from, 16, 2);
  EXPECT_GE(m.bar_from, 9);
  EXPECT_LE(m.bar_to, 12);
  EXPECT_GE(m.source_bar_from, 5);
  EXPECT_LE(m.source_bar_to, 8);
  EXPECT_GT(m.similarity, 0.6);
}

TEST_F(Passages, finds_them_in_half_and_in_double_note_values) {
  for (const double stretch : {0.5, 2.0}) {
    const PassageMatch m = nearest(test::plant(test::tune(901, 24), test::tune(11), 8, 4, 4, 3, stretch));
    EXPECT_EQ(m.piece, "piece 11") << stretch;
    EXPECT_NEAR(m.tempo_ratio, 1 / stretch, 0.05);
    EXPECT_GT(m.similarity, 0.6) << stretch;
  }
}

TEST_F(Passages, other_music_is_far_from_every_piece) {
  for (std::uint64_t seed = 1000; seed < 1040; ++seed) EXPECT_LT(nearest(test::tune(seed)).similarity, 0.4) << seed;
}

TEST_F(Passages, the_same_pitches_in_another_rhythm_are_no_copy) {
  Score other = test::tune(5);
  std::int64_t at = 0;
  int i = 0;
  for (Note& n : other.tracks[0].notes) {
    n.start = at;
    n.duration = ++i % 3 == 0 ? 1440 : 240;
    at += n.duration;
  }
  other.tracks.pop_back();
  EXPECT_GT(nearest(test::tune(5)).similarity, 0.9);
  EXPECT_LT(nearest(other).similarity, 0.4);
}

TEST_F(Passages, what_every_piece_has_is_nobodys) {
  // Each piece begins with the same four bars; a score that has nothing but them is like none of them.
  PassageIndexBuilder builder;
  const Score cadence = test::tune(333, 4);
  for (std::uint64_t i = 0; i < kPieces; ++i)
    builder.add("piece " + std::to_string(i), test::plant(test::tune(i), cadence, 0, 4, 0, 0, 1));
  const PassageIndex common(builder.finish());
  const PassageIndex* list[] = {&common};
  EXPECT_TRUE(find_passages(cadence, list).empty());
  const PassageIndex rare(build());
  const PassageIndex* other[] = {&rare};
  EXPECT_EQ(find_passages(test::plant(cadence, test::tune(4), 6, 4, 0, 0, 1), other).at(0).piece, "piece 4");
}

TEST_F(Passages, a_figure_counts_once_however_often_it_comes) {
  const auto figure = [](int times) {
    Score score;
    score.meters.push_back({0, 4, 4});
    Track& track = add_track(score, "", 0, 0);
    for (int i = 0; i < times * 8; ++i) {
      static constexpr int kSteps[] = {0, 7, 4, 7, 12, 9, 5, 2};
      track.notes.push_back({i * 240, 240, static_cast<std::uint8_t>(60 + kSteps[i % 8]), 80, 0, 64});
    }
    return score;
  };
  PassageIndexBuilder builder;
  builder.add("figure", figure(16));
  for (std::uint64_t i = 0; i < kPieces; ++i) builder.add("piece " + std::to_string(i), test::tune(i));
  const PassageIndex with(builder.finish());
  const PassageIndex* list[] = {&with};
  // With a note beside it, for bars that agree in every note are a copy whatever they are.
  const auto with_bass = [&](int times) {
    Score score = figure(times);
    for (int i = 0; i < times; ++i) score.tracks[0].notes.push_back({i * 1920, 1920, 40, 80, 0, 64});
    score.sort();
    return score;
  };
  const auto four = find_passages(with_bass(4), list), sixteen = find_passages(with_bass(16), list);
  ASSERT_FALSE(four.empty());
  EXPECT_NEAR(sixteen[0].weight, four[0].weight, 1e-9);
}

TEST_F(Passages, rarity_counts_over_all_indexes_together) {
  const Score copy = test::plant(test::tune(900), test::tune(7), 4, 4, 8, 0, 1);
  PassageIndexBuilder builder;
  builder.add("the same", test::tune(7));
  const PassageIndex small(builder.finish());
  const PassageIndex* both[] = {&small, &index};
  const auto found = find_passages(copy, both, 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].piece == "the same" ? found[1].piece : found[0].piece, "piece 7");
  EXPECT_LT(found[0].weight, nearest(copy).weight * 1.5);
}

TEST_F(Passages, a_score_without_pitched_notes_is_near_to_nothing) {
  Score drums;
  Track& track = add_track(drums, "drums", 0, 9);
  track.drums = true;
  for (int i = 0; i < 64; ++i) track.notes.push_back({i * 240, 120, static_cast<std::uint8_t>(36 + i % 3), 90, 9, 64});
  EXPECT_EQ(nearest(drums).piece, "");
  EXPECT_EQ(nearest(Score{}).piece, "");
}

TEST_F(Passages, fewer_runs_are_kept_of_dense_pieces_and_they_are_found_all_the_same) {
  PassageIndexOptions all;
  all.per_bar = 1000;
  const PassageIndex whole(build(all));
  PassageIndexOptions few;
  few.per_bar = 3;
  const PassageIndex thin(build(few));
  EXPECT_LT(thin.places() * 2, whole.places());
  const PassageIndex* list[] = {&thin};
  EXPECT_EQ(find_passages(test::plant(test::tune(900), test::tune(20), 4, 4, 2, 1, 1), list).at(0).piece, "piece 20");
}

TEST_F(Passages, the_file_says_what_was_put_in_and_is_the_same_each_time) {
  EXPECT_EQ(index.pieces(), kPieces);
  EXPECT_EQ(index.stamp(), 77u);
  EXPECT_EQ(index.name(3), "piece 3");
  TemporaryFolder folder;
  write_file(folder / "a.idx", build());
  const PassageIndex read(folder / "a.idx");
  EXPECT_EQ(read.hash(), index.hash());
  EXPECT_EQ(read.places(), index.places());
  const PassageIndex empty(PassageIndexBuilder().finish());
  EXPECT_EQ(empty.pieces(), 0u);
}

TEST_F(Passages, every_changed_byte_and_every_cut_is_found_and_named) {
  const auto bytes = build();
  const auto fails = [](std::vector<std::uint8_t> damaged) {
    try {
      const PassageIndex opened(std::move(damaged), "a.idx");
    } catch (const Error& e) {
      EXPECT_TRUE(e.detail().starts_with("a.idx: ")) << e.detail();
      return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < bytes.size(); i += i < 600 ? 1 : 997) {
    auto damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_TRUE(fails(damaged)) << i;
  }
  for (std::size_t size = 0; size < bytes.size(); size += size < 300 ? 1 : 4999)
    EXPECT_TRUE(fails({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)})) << size;
  auto longer = bytes;
  longer.resize(longer.size() + 8);
  EXPECT_TRUE(fails(longer));
  auto damaged = bytes;
  damaged[bytes.size() - 9] ^= 1;
  try {
    const PassageIndex opened(damaged, "a.idx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.detail().find("segment keys"), std::string::npos) << e.detail();
  }
  damaged = bytes;
  damaged[8] = 9;
  try {
    const PassageIndex opened(damaged, "a.idx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::newer_version);
  }
  damaged[8] = 1;
  try {
    const PassageIndex opened(damaged, "a.idx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::bad_input);  // so that a catalog's index is built again
    EXPECT_NE(e.detail().find("made by an older one"), std::string::npos) << e.detail();
  }
}

TEST_F(Passages, a_repeat_takes_next_to_no_room_and_is_known_at_both_places) {
  const auto indexed = [](const Score& score) {
    PassageIndexBuilder builder;
    builder.add("a", score);
    return builder.finish();
  };
  const Score once = test::tune(3, 200), other = test::tune(4, 400);
  const Score twice = test::plant(test::plant(other, once, 0, 200, 0, 0, 1), once, 0, 200, 200, 0, 1);
  ASSERT_EQ(twice.end_tick(), 2 * once.end_tick());
  EXPECT_LT(indexed(twice).size(), indexed(other).size() * 3 / 4);
  const PassageIndex both(indexed(twice));
  EXPECT_GT(both.places(), PassageIndex(indexed(once)).places() * 19 / 10);
}

}  // namespace
}  // namespace euterpe
