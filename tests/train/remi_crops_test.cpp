#include "train/remi_crops.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.hpp"
#include "corpus/music.hpp"
#include "corpus/prepare.hpp"
#include "score/tokenizers.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

/// Tunes over a bass, as long as several contexts.
Shard shard() {
  Source source{"made", "CC0-1.0", true, {}, {}};
  for (std::uint64_t i = 0; i < 6; ++i) {
    const std::string id = "walk" + std::to_string(i);
    Piece piece{id, i % 2 ? "folk" : "pop", id, "train", test::walk(i, 24)};
    Track& bass = add_track(piece.score, "bass", 32, 1);
    for (int b = 0; b < 24; ++b) bass.notes.push_back({b * 1920, 1920, static_cast<std::uint8_t>(36 + b % 7), 80, 1});
    piece.score.sort();
    source.pieces.push_back(std::move(piece));
  }
  return prepare(std::span(&source, 1));
}

int count(const std::vector<Token>& tokens, TokenKind kind) {
  return static_cast<int>(std::count_if(tokens.begin(), tokens.end(), [&](Token t) { return V::kind(t) == kind; }));
}

TEST(RemiCrops, are_valid_sequences_of_one_length_and_of_every_order) {
  const RemiCrops crops(shard(), "train", 256);
  EXPECT_EQ(crops.styles(), (std::vector<std::string>{"folk", "pop"}));
  Random random(3);
  int in_time = 0, gaps = 0, melodies = 0, bare = 0, chords = 0, ends = 0;
  for (int i = 0; i < 400; ++i) {
    auto tokens = crops.draw(random);
    ASSERT_EQ(tokens.size(), 257u);
    while (tokens.back() == V::token(TokenKind::pad)) tokens.pop_back();
    if (V::kind(tokens.front()) != TokenKind::bos) tokens.insert(tokens.begin(), V::token(TokenKind::bos));
    ASSERT_FALSE(find_tokenizer(V::kName).first_misplaced(tokens)) << i;
    gaps += std::count(tokens.begin(), tokens.end(), V::token(TokenKind::mark, static_cast<int>(Mark::suffix))) == 1;
    melodies +=
        std::count(tokens.begin(), tokens.end(), V::token(TokenKind::mark, static_cast<int>(Mark::melody))) == 1;
    in_time += count(tokens, TokenKind::mark) == 0;
    bare += is_control(V::kind(tokens[1])) ? 0 : 1;
    chords += count(tokens, TokenKind::chord) > 0;
    ends += V::kind(tokens.back()) == TokenKind::eos;
  }
  EXPECT_NEAR(gaps, 60, 30);
  EXPECT_NEAR(melodies, 60, 30);
  EXPECT_EQ(in_time, 400 - gaps - melodies);
  EXPECT_NEAR(bare, 40, 25);  // nothing is asked
  EXPECT_NEAR(chords, 270, 50);
  EXPECT_GT(ends, 60);
}

TEST(RemiCrops, are_drawn_as_often_as_was_asked) {
  const Shard made = shard();
  const RemiCrops crops(made, "train", 256, {{"folk", 3}, {"pop", 1}});
  Random random(3);
  int folk = 0;
  for (int i = 0; i < 400; ++i) {
    const auto tokens = crops.draw(random);
    folk += std::count(tokens.begin(), tokens.end(), V::token(TokenKind::style, *remi_style("folk")));
  }
  EXPECT_NEAR(folk, 400 * 0.75 * 0.86, 40);  // one in seven does not say its style
  EXPECT_EQ(RemiCrops(made, "train", 256, {{"pop", 1}}).styles(), std::vector<std::string>{"pop"});
  EXPECT_THROW(RemiCrops(made, "train", 256, {{"jazz", 1}}), Error);
}

TEST(RemiCrops, say_of_themselves_what_is_true_of_them) {
  const RemiCrops crops(shard(), "train", 256);
  Random random(5);
  int told = 0;
  for (int i = 0; i < 200; ++i) {
    const auto tokens = crops.draw(random);
    RemiControls measured;
    measure_controls(in_order_of_time(tokens), measured);
    const RemiControls said =
        read_controls(V::kind(tokens.front()) == TokenKind::bos ? std::span(tokens).subspan(1) : std::span(tokens));
    for (TokenKind kind : {TokenKind::density, TokenKind::height})
      if (said.get(kind)) {
        // Cut at the context's end a crop may have lost a few notes.
        EXPECT_NEAR(*said.get(kind), *measured.get(kind), 1);
        ++told;
      }
  }
  EXPECT_GT(told, 100);
}

TEST(RemiCrops, of_a_gap_tell_how_many_of_its_bars_remain) {
  const RemiCrops crops(shard(), "train", 256);
  Random random(9);
  int seen = 0;
  for (int i = 0; i < 300; ++i) {
    const auto tokens = crops.draw(random);
    const auto middle =
        std::find(tokens.begin(), tokens.end(), V::token(TokenKind::mark, static_cast<int>(Mark::middle)));
    if (middle == tokens.end() || std::find(tokens.begin(), tokens.end(),
                                            V::token(TokenKind::mark, static_cast<int>(Mark::suffix))) == tokens.end())
      continue;
    ++seen;
    const std::vector<Token> gap(middle + 1, tokens.end());
    int bars = count(gap, TokenKind::bar), left = -1;
    for (Token t : gap) {
      if (V::kind(t) != TokenKind::left) continue;
      if (left >= 0) {
        EXPECT_EQ(V::value(t), left - 1);
      }
      left = V::value(t);
    }
    EXPECT_EQ(left, 0);
    EXPECT_GE(bars, 1);
    EXPECT_GE(count(gap, TokenKind::eos), 1);
  }
  EXPECT_GT(seen, 10);
}

TEST(RemiCrops, hold_what_fills_a_gap_to_its_end) {
  const Shard made = shard();
  for (int context = 100; context < 300; context += 7) {
    const RemiCrops crops(made, "train", context);
    Random random(11);
    for (int i = 0; i < 200; ++i) {
      const auto tokens = crops.draw(random);
      if (std::count(tokens.begin(), tokens.end(), V::token(TokenKind::mark, static_cast<int>(Mark::suffix))) == 0)
        continue;
      ASSERT_EQ(count(tokens, TokenKind::eos), 1) << context;
    }
  }
}

}  // namespace
}  // namespace euterpe
