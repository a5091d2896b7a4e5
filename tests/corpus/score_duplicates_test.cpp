// The same notes under two names, in shards and between splits.
#include "corpus/score_duplicates.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "catalog/support.hpp"
#include "corpus/augment_score.hpp"
#include "corpus/music.hpp"
#include "corpus/prepare.hpp"
#include "corpus/splits.hpp"

namespace euterpe {
namespace {

std::vector<ScorePair> pairs(const std::vector<Score>& scores) {
  std::vector<const Score*> list;
  for (const Score& s : scores) list.push_back(&s);
  return find_near_duplicates(list);
}

/// All onsets and lengths `factor` times as long, as a sequencer without tempo events writes a slower take.
Score stretched(Score score, int numerator, int denominator) {
  for (Track& track : score.tracks)
    for (Note& n : track.notes) {
      n.start = n.start * numerator / denominator;
      n.duration = n.duration * numerator / denominator;
    }
  return score;
}

Score some_bars(Score score, std::int64_t from, std::int64_t to) {
  for (Track& track : score.tracks) {
    std::erase_if(track.notes, [&](const Note& n) { return n.start < from || n.start >= to; });
    for (Note& n : track.notes) n.start -= from;
  }
  return score;
}

TEST(NearScores, are_found_transposed_stretched_shifted_cut_and_with_other_dynamics) {
  const Score a = test::walk(1, 24);
  const std::int64_t bar = 4 * a.ticks_per_quarter;
  const auto found = pairs({a, *transpose(a, 5), stretched(a, 3, 2), jitter_velocity(change_tempo(a, 1.3), 10, 1),
                            some_bars(a, 4 * bar, 18 * bar), test::walk(2, 24)});
  std::set<std::pair<std::size_t, std::size_t>> names;
  for (const ScorePair& p : found) names.emplace(p.a, p.b);
  EXPECT_EQ(names, (std::set<std::pair<std::size_t, std::size_t>>{
                       {0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 2}, {1, 3}, {1, 4}, {2, 3}, {2, 4}, {3, 4}}));
  EXPECT_EQ(found[0].transposition, 5);
  EXPECT_NEAR(found[1].stretch, 1.5, 1e-6);
  EXPECT_NEAR(found[3].offset, -16, 1e-6);
  EXPECT_NEAR(found[3].same, 1, 0.02);
}

TEST(NearScores, with_many_other_notes_are_none) {
  const Score a = test::walk(1, 24);
  Score half = a;  // the first half is the same, the second another piece
  const auto other = test::walk(9, 24).tracks[0].notes;
  auto& notes = half.tracks[0].notes;
  std::copy(other.begin() + 96, other.end(), notes.begin() + 96);
  EXPECT_TRUE(pairs({a, half}).empty());
  EXPECT_TRUE(pairs({test::walk(1, 24), test::walk(2, 24), test::walk(3, 24), {}, test::walk(4, 1)}).empty());
}

TEST(NearScores, that_repeat_one_note_are_passed_over) {
  Score drone;
  Track& track = add_track(drone, "", 0, 0);
  for (int i = 0; i < 400; ++i) track.notes.push_back({i * 240, 240, 60, 80, 0});
  EXPECT_TRUE(pairs({drone, test::walk(1, 24)}).empty());
}

Piece named(const std::string& id, Score score, const std::string& split) {
  return {id, "folk", id, split, std::move(score)};
}

TEST(PreparedShards, leave_near_duplicates_out_of_training_before_they_touch_what_is_tested_on) {
  Source source{"made", "MIT", true, {}, {}};
  source.pieces.push_back(named("learned", test::walk(1, 24), "train"));
  source.pieces.push_back(named("tested", *transpose(test::walk(1, 24), 3), "test"));
  source.pieces.push_back(named("other", test::walk(2, 24), "train"));
  const Shard shard = prepare(std::span(&source, 1));
  ASSERT_EQ(shard.pieces.size(), 2u);
  EXPECT_EQ(shard.pieces[0].id, "tested");
  EXPECT_EQ(shard.left_out.at("near duplicate"), 1);
  EXPECT_EQ(shard.left_out_pieces[0]["id"], "learned");
  EXPECT_NE(shard.left_out_pieces[0]["detail"].get<std::string>().find("tested"), std::string::npos);
  PrepareOptions keep;
  keep.keep_near_duplicates = true;
  EXPECT_EQ(prepare(std::span(&source, 1), keep).pieces.size(), 3u);
}

TEST(PreparedShards, hold_variants_of_training_pieces_alone_and_in_their_group) {
  Source source{"made", "MIT", true, {}, {}};
  source.pieces.push_back(named("a", test::walk(1, 24), "train"));
  source.pieces.push_back(named("b", test::walk(2, 24), "test"));
  PrepareOptions options;
  options.variants = 3;
  options.seed = 5;
  const Shard shard = prepare(std::span(&source, 1), options);
  ASSERT_EQ(shard.pieces.size(), 5u);
  for (const ShardPiece& p : shard.pieces) EXPECT_EQ(p.split, p.group == "a" ? "train" : "test");
  EXPECT_EQ(shard.pieces[1].id, "a+1");
  EXPECT_EQ(decode_remi(shard.pieces[1].tokens).note_count(), decode_remi(shard.pieces[0].tokens).note_count());
  EXPECT_EQ(prepare(std::span(&source, 1), options).pieces[2].tokens, shard.pieces[2].tokens);
}

TEST(PreparedShards, carry_one_hash_of_their_splits_that_changes_when_a_group_moves) {
  const test::TemporaryFolder folder;
  Source source{"made", "MIT", true, {}, {}};
  source.pieces.push_back(named("a", test::walk(1, 24), "train"));
  source.pieces.push_back(named("b", test::walk(2, 24), "test"));
  const Shard shard = prepare(std::span(&source, 1));
  write_shard(folder / "s.shard", shard);
  EXPECT_EQ(read_shard(folder / "s.shard").split_hash, shard.split_hash);
  EXPECT_EQ(read_shard(folder / "s.shard").left_out_pieces, shard.left_out_pieces);
  source.pieces[1].split = "valid";
  EXPECT_NE(prepare(std::span(&source, 1)).split_hash, shard.split_hash);
}

TEST(PreparedShards, refuse_a_group_in_two_splits) {
  const test::TemporaryFolder folder;
  Source source{"made", "MIT", true, {}, {}};
  source.pieces.push_back(named("a", test::walk(1, 24), "train"));
  source.pieces.push_back(named("b", test::walk(2, 24), "test"));
  source.pieces[1].group = "a";
  EXPECT_THROW(prepare(std::span(&source, 1)), Error);
  Shard shard;
  shard.pieces = {{"a", "folk", "g", "train", {}}, {"b", "folk", "g", "test", {}}};
  EXPECT_THROW(write_shard(folder / "s.shard", shard), Error);
}

TEST(SplitHash, depends_on_the_groups_and_not_on_their_order) {
  Splits one, two, three;
  one.add("a", "train");
  one.add("b", "test");
  two.add("b", "test");
  two.add("a", "train");
  two.add("a", "train");
  three.add("a", "train");
  EXPECT_EQ(one.hash(), two.hash());
  EXPECT_NE(one.hash(), three.hash());
  EXPECT_THROW(three.add("a", "valid"), Error);
}

}  // namespace
}  // namespace euterpe
