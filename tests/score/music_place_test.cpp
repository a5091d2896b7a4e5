#include "score/music_place.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "corpus/music.hpp"
#include "score/remi_passages.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;
using Bars = std::vector<std::vector<Token>>;

/// Where each note is struck: {time, pitch}, ascending.
std::vector<std::pair<int, int>> notes_of(std::span<const Token> tokens) {
  const auto places = music_places(tokens);
  std::vector<std::pair<int, int>> out;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (V::kind(tokens[i]) == TokenKind::pitch) out.emplace_back(places[i].time, places[i].pitch);
  std::sort(out.begin(), out.end());
  return out;
}

TEST(MusicPlaces, are_those_of_the_notes) {
  const Score score = test::walk(5, 8);
  std::vector<std::pair<int, int>> expected;
  for (const Note& n : score.tracks[0].notes)
    expected.emplace_back(static_cast<int>(n.start * kGridPerQuarter / score.ticks_per_quarter), n.pitch);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(notes_of(encode_remi(score, {})), expected);
}

TEST(MusicPlaces, begin_with_the_sequence_in_the_middle_of_the_keyboard) {
  const auto places = music_places(encode_remi(test::walk(5, 2), {}));
  EXPECT_EQ(places.front().time, 0);
  EXPECT_EQ(places.front().pitch, 60);
}

RC_GTEST_PROP(MusicPlaces, are_the_same_in_whatever_order_the_bars_are_said, ()) {
  const int bars = *rc::gen::inRange(2, 12);
  const auto tokens = encode_remi(test::walk(*rc::gen::arbitrary<std::uint64_t>(), bars), {});
  const RemiPassage piece = cut_at_bars(tokens);
  const int from = *rc::gen::inRange(0, bars), to = *rc::gen::inRange(from + 1, bars + 1);
  const std::span<const std::vector<Token>> all(piece.bars);
  auto gapped = ask_for_middle(piece.header, all.first(static_cast<std::size_t>(from)),
                               all.subspan(static_cast<std::size_t>(to)));
  for (int bar = from; bar < to; ++bar)
    gapped.insert(gapped.end(), piece.bars[static_cast<std::size_t>(bar)].begin(),
                  piece.bars[static_cast<std::size_t>(bar)].end());
  RC_ASSERT(notes_of(gapped) == notes_of(tokens));

  // A melody stands where its piece does.
  auto accompanied = ask_for_accompaniment(piece.header, all);
  const auto alone = notes_of(accompanied);
  for (const auto& bar : piece.bars) accompanied.insert(accompanied.end(), bar.begin(), bar.end());
  RC_ASSERT(alone == notes_of(tokens));
  RC_ASSERT(notes_of(accompanied).size() == 2 * alone.size());
  RC_ASSERT(notes_of(accompanied).back() == alone.back());
}

}  // namespace
}  // namespace euterpe
