#include "score/remi_passages.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/random.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"
#include "score/remi_grammar.hpp"
#include "score/tokenizer.hpp"
#include "score/tokenizers.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;
using Bars = std::vector<std::vector<Token>>;

/// A tune with an accompaniment of held fifths, some of which ring over the bar line.
Score accompanied(std::uint64_t seed, int bars) {
  Score score = test::walk(seed, bars);
  Track& below = add_track(score, "below", 32, 1);
  Random random(seed);
  for (int bar = 0; bar < bars; ++bar) {
    const auto pitch = static_cast<std::uint8_t>(36 + random.below(12));
    const std::int64_t length = std::min<std::int64_t>((bars - bar) * 1920, random.below(2) ? 1920 : 2880);
    below.notes.push_back({bar * 1920, length, pitch, 80, 1});
  }
  score.sort();
  return score;
}

std::vector<Token> joined(const std::vector<Token>& ask, const Bars& bars, bool end) {
  std::vector<Token> out = ask;
  for (const auto& bar : bars) out.insert(out.end(), bar.begin(), bar.end());
  if (end) out.push_back(V::token(TokenKind::eos));
  return out;
}

RC_GTEST_PROP(RemiPassages, a_filled_gap_decodes_to_the_piece_it_was_cut_from, ()) {
  const int bars = *rc::gen::inRange(2, 14);
  const Score score = accompanied(*rc::gen::arbitrary<std::uint64_t>(), bars);
  RemiOptions options;
  options.chords = true;
  const auto tokens = encode_remi(score, options);
  const RemiPassage piece = cut_at_bars(tokens);
  RC_ASSERT(static_cast<int>(piece.bars.size()) == bars);
  const int from = *rc::gen::inRange(0, bars), to = *rc::gen::inRange(from + 1, bars + 1);
  const Bars prefix(piece.bars.begin(), piece.bars.begin() + from), suffix(piece.bars.begin() + to, piece.bars.end());
  Bars middle(piece.bars.begin() + from, piece.bars.begin() + to);
  count_bars_left(middle);
  for (std::size_t i = 0; i < middle.size(); ++i)
    RC_ASSERT((V::kind(middle[i][1]) == TokenKind::left) == (middle.size() - i <= kLeftBars));
  if (suffix.empty()) return;
  const auto sequence = joined(ask_for_middle(piece.header, prefix, suffix), middle, true);
  RC_ASSERT(!find_tokenizer(V::kName).first_misplaced(sequence));
  RC_ASSERT(decode_remi(sequence) == decode_remi(tokens));
}

RC_GTEST_PROP(RemiPassages, a_melody_given_ahead_is_part_0_and_not_heard_twice, ()) {
  const int bars = *rc::gen::inRange(1, 10);
  const Score score = accompanied(*rc::gen::arbitrary<std::uint64_t>(), bars);
  const auto tokens = encode_remi(score);
  const RemiPassage piece = cut_at_bars(tokens);
  const auto sequence = joined(ask_for_accompaniment(piece.header, piece.bars), piece.bars, true);
  RC_ASSERT(!find_tokenizer(V::kName).first_misplaced(sequence));
  RC_ASSERT(decode_remi(sequence) == decode_remi(tokens));
  std::size_t melody_notes = 0;
  for (const auto& bar : piece.bars)
    for (Token t : melody_of_bar(bar)) melody_notes += V::kind(t) == TokenKind::pitch;
  RC_ASSERT(melody_notes == score.tracks[0].notes.size());
}

TEST(RemiPassages, a_note_of_the_middle_that_rings_on_ends_where_its_pitch_is_struck_again) {
  const auto bar = [](int pitch, int length) {
    return std::vector<Token>{V::token(TokenKind::bar, 0), V::token(TokenKind::position, 0),
                              V::token(TokenKind::part, 0), V::token(TokenKind::pitch, pitch),
                              V::token(TokenKind::duration, length - 1)};
  };
  const std::vector<Token> header{V::token(TokenKind::part, 0), V::token(TokenKind::program, 0)};
  const Bars prefix{bar(60, 48)}, suffix{bar(64, 48)};
  const auto sequence = joined(ask_for_middle(header, prefix, suffix), {bar(64, 80)}, true);
  const Score score = decode_remi(sequence);
  ASSERT_EQ(score.tracks[0].notes.size(), 3u);
  EXPECT_EQ(score.tracks[0].notes[1].start, 1920);
  EXPECT_EQ(score.tracks[0].notes[1].duration, 1920);
  EXPECT_EQ(read_midi(write_midi(score)).score, score);
  // What rings on from the prefix may not be struck again in the middle while it sounds.
  const auto clash = joined(ask_for_middle(header, Bars{bar(60, 80)}, suffix), {bar(60, 48)}, true);
  EXPECT_TRUE(find_tokenizer(V::kName).first_misplaced(clash));
}

TEST(RemiPassages, marks_stand_only_where_they_mean_something) {
  const Token suffix = V::token(TokenKind::mark, static_cast<int>(Mark::suffix)),
              melody = V::token(TokenKind::mark, static_cast<int>(Mark::melody)),
              middle = V::token(TokenKind::mark, static_cast<int>(Mark::middle));
  RemiGrammar grammar;
  grammar.push(V::token(TokenKind::bos));
  EXPECT_FALSE(grammar.allows(suffix));
  grammar.push(V::token(TokenKind::part, 0));
  grammar.push(V::token(TokenKind::program, 0));
  EXPECT_TRUE(grammar.allows(suffix));
  EXPECT_TRUE(grammar.allows(melody));
  EXPECT_FALSE(grammar.allows(middle));
  grammar.push(melody);
  EXPECT_FALSE(grammar.allows(middle));  // an empty melody says nothing
  grammar.push(V::token(TokenKind::bar, 0));
  EXPECT_TRUE(grammar.allows(middle));
  EXPECT_FALSE(grammar.allows(suffix));
  EXPECT_FALSE(grammar.allows(V::token(TokenKind::eos)));
}

}  // namespace
}  // namespace euterpe
