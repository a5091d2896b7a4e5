#include "score/tokenizer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "score/frames.hpp"
#include "score/midi.hpp"
#include "score/remi_chords.hpp"
#include "score/remi_controls.hpp"
#include "score/remi_grammar.hpp"
#include "score/remi_passages.hpp"
#include "score/tokenizers.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

/// Four bars of 3/4, two parts, one of them drums, with a tempo change and a note over a bar line.
Score waltz() {
  Score score;
  score.ticks_per_quarter = 480;
  score.tempos = {{0, 500000}, {1440, 600000}};
  score.meters = {{0, 3, 4}};
  Track& melody = add_track(score, "melody", 40, 0);
  for (int i = 0; i < 12; ++i)
    melody.notes.push_back({i * 480, i % 3 == 2 ? 960 : 480, static_cast<std::uint8_t>(60 + i), 80, 0});
  Track& drums = add_track(score, "drums", 0, 9);
  for (int i = 0; i < 4; ++i) drums.notes.push_back({i * 1440, 240, 36, 100, 9});
  score.sort();
  return score;
}

/// Notes as (start, duration, pitch) a part, which is what the grid must keep.
auto notes_of(const Score& score) {
  std::vector<std::vector<std::array<std::int64_t, 3>>> parts;
  for (const Track& t : score.tracks) {
    if (t.notes.empty()) continue;
    auto& part = parts.emplace_back();
    for (const Note& n : t.notes)
      part.push_back({n.start * 480 / score.ticks_per_quarter, n.duration * 480 / score.ticks_per_quarter, n.pitch});
  }
  return parts;
}

TEST(Tokenizer, keeps_a_score_that_stands_on_the_grid_exactly) {
  const Score score = waltz();
  const Score back = decode_remi(encode_remi(score));
  EXPECT_EQ(notes_of(back), notes_of(score));
  EXPECT_EQ(back.meters.front().numerator, 3);
  EXPECT_EQ(back.tracks[0].program, 40);
  EXPECT_TRUE(back.tracks[1].drums);
  ASSERT_EQ(back.tempos.size(), 2u);
  EXPECT_EQ(back.tempos[1].tick, 1440);
  EXPECT_NEAR(back.tempos[1].bpm(), 100, 100 * 0.015);
}

TEST(Tokenizer, ends_a_piece_with_the_count_of_bars_that_remain) {
  const auto tokens = encode_remi(waltz());
  std::vector<int> left;
  for (Token t : tokens)
    if (V::kind(t) == TokenKind::left) left.push_back(V::value(t));
  ASSERT_GE(left.size(), 4u);
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_EQ(left[i], static_cast<int>(left.size() - 1 - i));
}

RC_GTEST_PROP(Tokenizer, gives_the_same_tokens_for_what_it_decoded, ()) {
  Score score;
  score.ticks_per_quarter = *rc::gen::element(96, 120, 480, 1024);
  const auto meter = *rc::gen::elementOf(std::vector<MeterChoice>(remi_meters().begin(), remi_meters().end()));
  score.meters = {{0, meter.numerator, meter.denominator}};
  const int parts = *rc::gen::inRange(1, 5);
  for (int p = 0; p < parts; ++p) {
    Track& track = add_track(score, "", *rc::gen::inRange(0, 128), p == 3 ? 9 : p);
    const auto starts = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8000)));
    for (int start : starts)
      track.notes.push_back({start, *rc::gen::inRange(0, 6000), static_cast<std::uint8_t>(*rc::gen::inRange(0, 128)),
                             static_cast<std::uint8_t>(*rc::gen::inRange(1, 128)),
                             static_cast<std::uint8_t>(p == 3 ? 9 : p)});
  }
  score.sort();
  if (score.bar_lines().size() > 3000) return;
  const auto tokens = encode_remi(score);
  const Score grid = decode_remi(tokens);
  RC_ASSERT(encode_remi(grid) == tokens);
  RC_ASSERT(read_midi(write_midi(grid)).score == grid);
}

RC_GTEST_PROP(Tokenizer, decodes_whatever_the_grammar_lets_through, (std::uint64_t seed)) {
  Random random(seed);
  RemiGrammar grammar;
  std::vector<Token> tokens;
  std::vector<std::uint8_t> allowed(static_cast<std::size_t>(V::size()));
  while (tokens.size() < 400 && (tokens.empty() || V::kind(tokens.back()) != TokenKind::eos)) {
    grammar.mask(allowed);
    std::vector<double> weights(allowed.begin(), allowed.end());
    RC_ASSERT(std::any_of(weights.begin(), weights.end(), [](double w) { return w > 0; }));
    tokens.push_back(static_cast<Token>(random.weighted(weights)));
    grammar.push(tokens.back());
  }
  // Where the walk was cut in the middle of a note the rest is dropped; up to there it must be a score.
  RemiGrammar again;
  std::size_t boundary = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    again.push(tokens[i]);
    if (again.at_boundary()) boundary = i + 1;
  }
  const Score score = decode_remi(std::span(tokens).first(boundary));
  for (const Token t : in_order_of_time(tokens)) RC_ASSERT(V::kind(t) != TokenKind::mark);
  RC_ASSERT(read_midi(write_midi(score)).score == score);
}

TEST(RemiGrammar, no_position_part_or_velocity_leads_where_every_pitch_sounds) {
  RemiGrammar grammar;
  const auto push = [&](TokenKind kind, int value = 0) { grammar.push(V::token(kind, value)); };
  push(TokenKind::bos);
  for (const int part : {0, 1}) {
    push(TokenKind::part, part);
    push(TokenKind::program);
  }
  push(TokenKind::bar);
  push(TokenKind::position);
  push(TokenKind::part, 1);
  for (int pitch = 0; pitch < V::count(TokenKind::pitch); ++pitch) {
    push(TokenKind::pitch, pitch);
    push(TokenKind::duration, kGridPerWhole + 5);  // past the bar line
  }
  push(TokenKind::position, 4);
  EXPECT_FALSE(grammar.allows(V::token(TokenKind::velocity))) << "the running part has nothing to strike";
  EXPECT_FALSE(grammar.allows(V::token(TokenKind::pitch, 60)));
  ASSERT_TRUE(grammar.allows(V::token(TokenKind::part, 0)));
  push(TokenKind::part, 0);
  for (int pitch = 0; pitch < V::count(TokenKind::pitch); ++pitch) {
    push(TokenKind::pitch, pitch);
    push(TokenKind::duration, kGridPerWhole + 1);
  }
  EXPECT_FALSE(grammar.allows(V::token(TokenKind::part, 1)));
  EXPECT_FALSE(grammar.allows(V::token(TokenKind::position, 5)));
  push(TokenKind::bar);
  EXPECT_FALSE(grammar.allows(V::token(TokenKind::position, 5)));
  EXPECT_TRUE(grammar.allows(V::token(TokenKind::position, 6)));
  EXPECT_TRUE(grammar.any_is_free(6));
  push(TokenKind::position, 6);
  EXPECT_TRUE(grammar.allows(V::token(TokenKind::part, 0)) && grammar.allows(V::token(TokenKind::part, 1)));
}

TEST(Tokenizer, transposes_pitches_and_key_but_no_drums) {
  RemiOptions options;
  options.key = KeyEstimate{11, true, 1.0};
  auto tokens = encode_remi(waltz(), options);
  const Score before = decode_remi(tokens);
  ASSERT_TRUE(transpose_remi(tokens, 3));
  const Score after = decode_remi(tokens);
  for (std::size_t i = 0; i < before.tracks[0].notes.size(); ++i)
    EXPECT_EQ(after.tracks[0].notes[i].pitch, before.tracks[0].notes[i].pitch + 3);
  EXPECT_EQ(after.tracks[1].notes, before.tracks[1].notes);
  EXPECT_EQ(read_controls(tokens).get(TokenKind::key), 12 + 2);
}

TEST(Tokenizer, moves_chords_with_the_notes) {
  std::vector<Token> tokens{V::token(TokenKind::bos),
                            V::token(TokenKind::part, 0),
                            V::token(TokenKind::program, 0),
                            V::token(TokenKind::bar, 0),
                            V::token(TokenKind::chord, chord_value({11, ChordQuality::minor7})),
                            V::token(TokenKind::chord, chord_value({}))};
  ASSERT_TRUE(transpose_remi(tokens, 2));
  EXPECT_EQ(chord_of_value(V::value(tokens[4])), (Chord{1, ChordQuality::minor7}));
  EXPECT_EQ(chord_of_value(V::value(tokens[5])), Chord{});
}

TEST(Tokenizer, says_what_the_piece_is_like_before_it_begins) {
  RemiOptions options;
  options.style = "folk";
  options.variety = "waltz";
  options.emotion = 2;
  auto controls = read_controls(encode_remi(waltz(), options));
  EXPECT_EQ(controls.get(TokenKind::style), remi_style("folk"));
  EXPECT_EQ(controls.get(TokenKind::variety), remi_variety("folk", "waltz"));
  EXPECT_EQ(controls.get(TokenKind::emotion), 2);
  EXPECT_EQ(controls.get(TokenKind::meter), remi_meter("3/4"));
  EXPECT_EQ(controls.get(TokenKind::tempo), tempo_step(120));
  EXPECT_FALSE(controls.get(TokenKind::key));
  measure_controls(encode_remi(waltz(), options), controls);
  EXPECT_EQ(controls.get(TokenKind::density), density_class(16.0 / 5));  // 12 notes and 4 of drums in 5 bars
  EXPECT_EQ(controls.get(TokenKind::height), height_class(65.5));
  options.variety = "bach";
  EXPECT_THROW(encode_remi(waltz(), options), Error);
}

/// Four parts that every tokenizer can say, on a grid of its own: notes of a part may overlap and be struck again.
Score any_quartet() {
  Score score;
  score.ticks_per_quarter = *rc::gen::element(96, 120, 480, 1024);
  const auto meter = *rc::gen::elementOf(std::vector<MeterChoice>(remi_meters().begin(), remi_meters().end()));
  score.meters = {{0, meter.numerator, meter.denominator}};
  for (int p = 0; p < 4; ++p) {
    Track& track = add_track(score, "", *rc::gen::inRange(0, 128), p);
    const auto note = [&](int start, int duration) {
      track.notes.push_back({start, duration, static_cast<std::uint8_t>(*rc::gen::inRange(kLowestVoice, kHighestVoice)),
                             static_cast<std::uint8_t>(*rc::gen::inRange(1, 128)), static_cast<std::uint8_t>(p)});
    };
    note(*rc::gen::inRange(0, 1000), 2 * score.ticks_per_quarter);  // that no grid loses
    for (int more = *rc::gen::inRange(0, 8); more > 0; --more)
      note(*rc::gen::inRange(0, 1500), *rc::gen::inRange(0, 1000));
  }
  score.sort();
  return score;
}

RC_GTEST_PROP(Tokenizer, each_gives_the_same_tokens_for_what_it_decoded, ()) {
  const Score score = any_quartet();
  for (const Tokenizer& t : tokenizers()) {
    RC_TAG(std::string(t.name));
    const auto tokens = t.encode(score);
    RC_ASSERT(!tokens.empty());
    RC_ASSERT(!t.first_misplaced(tokens));
    RC_ASSERT(std::all_of(tokens.begin(), tokens.end(), [&](Token token) { return token < t.vocabulary(); }));
    RC_ASSERT(t.encode(t.decode(tokens)) == tokens);
  }
}

/// The pitches that sound in each step of a grid of so many to the quarter, on which the score stands.
std::vector<std::set<int>> sounding(const Score& score, int per_quarter) {
  std::vector<std::set<int>> steps;
  const std::int64_t step = score.ticks_per_quarter / per_quarter;
  for (const Note& n : score.merged_notes(true))
    for (std::int64_t t = n.start / step; t < n.end() / step; ++t) {
      steps.resize(std::max(steps.size(), static_cast<std::size_t>(t) + 1));
      steps[static_cast<std::size_t>(t)].insert(n.pitch);
    }
  return steps;
}

RC_GTEST_PROP(Tokenizer, each_gives_back_what_stood_on_its_grid_however_it_was_played, ()) {
  for (const Tokenizer& t : tokenizers()) {
    RC_TAG(std::string(t.name));
    Score exact;
    exact.ticks_per_quarter = 480;
    const int step = 480 / t.per_quarter, early = step / 2 - 1;
    Score played = exact;
    for (int p = 0; p < 4; ++p) {  // each has a range of its own, as voices have
      add_track(exact, "", 0, p);
      add_track(played, "", 0, p);
      for (int time = *rc::gen::inRange(0, 4), i = 0; i < 8; ++i) {
        const int length = *rc::gen::inRange(1, 9);
        const auto pitch = static_cast<std::uint8_t>(*rc::gen::inRange(76 - 12 * p, 88 - 12 * p));
        const auto channel = static_cast<std::uint8_t>(p);
        exact.tracks.back().notes.push_back({time * step, length * step, pitch, 80, channel});
        const std::int64_t start = std::max(0, time * step + *rc::gen::inRange(-early, early + 1)),
                           end = (time + length) * step + *rc::gen::inRange(-early, early + 1);
        played.tracks.back().notes.push_back({start, std::max<std::int64_t>(1, end - start), pitch, 80, channel});
        time += length + *rc::gen::element(0, 0, 1, 3);
      }
    }
    exact.sort();
    played.sort();
    const Score decoded = t.decode(t.encode(played));
    RC_ASSERT(decoded.ticks_per_quarter % t.per_quarter == 0);
    RC_ASSERT(sounding(decoded, t.per_quarter) == sounding(exact, t.per_quarter));
  }
}

TEST(Tokenizer, is_found_by_name) {
  for (const Tokenizer& t : tokenizers()) {
    EXPECT_EQ(&find_tokenizer(t.name), &t);
    EXPECT_EQ(known_tokenizer(t.name), &t);
  }
  EXPECT_EQ(tokenizers().size(), 3u);
  EXPECT_EQ(known_tokenizer("morse"), nullptr);
  EXPECT_THROW(find_tokenizer("morse"), Error);
}

TEST(Tokenizer, each_names_the_token_that_is_out_of_place_and_refuses_to_decode_it) {
  const auto misplaced = [](std::string_view name, std::vector<Token> tokens) {
    const Tokenizer& t = find_tokenizer(name);
    const auto at = t.first_misplaced(tokens);
    if (at) {
      EXPECT_THROW(t.decode(tokens), Error) << name;
    }
    return at;
  };
  auto remi = encode_remi(waltz());
  remi.insert(remi.begin(), remi.front());
  EXPECT_EQ(misplaced(kRemiTokens, remi), 1u);
  EXPECT_EQ(misplaced(kVoiceTokens, {72, 67, 0, 48}), std::nullopt);
  EXPECT_EQ(misplaced(kVoiceTokens, {72, 67, 60, kHighestVoice + 1}), 3u);
  EXPECT_EQ(misplaced(kVoiceTokens, {72, kLowestVoice - 1, 60, 48}), 1u);
  EXPECT_EQ(misplaced(kFrameTokens, {48, 60, 0, 0, 55, 0}), std::nullopt);
  EXPECT_EQ(misplaced(kFrameTokens, {48, 60, 60, 0}), 2u);
  EXPECT_EQ(misplaced(kFrameTokens, {60, 48, 0}), 1u);
  EXPECT_EQ(misplaced(kFrameTokens, {60, 0, kHighestFramePitch + 1, 0}), 2u);
  EXPECT_THROW(find_tokenizer(kVoiceTokens).decode(std::vector<Token>{72, 67, 60}), Error);
  EXPECT_THROW(find_tokenizer(kFrameTokens).decode(std::vector<Token>{48, 60}), Error);
  for (const Tokenizer& t : tokenizers()) {
    EXPECT_THROW(t.decode(std::vector<Token>{60000, 0, 0, 0}), Error) << t.name;
    EXPECT_THROW(t.encode(Score{}), Error) << t.name;
  }
}

TEST(Tokenizer, voices_need_four_that_sound_on_the_grid) {
  const Tokenizer& voices = find_tokenizer(kVoiceTokens);
  Score score = voices.decode(std::vector<Token>{72, 67, 60, 48});
  score.tracks.back().notes.front().duration = 50;  // of a sixteenth's 120
  EXPECT_THROW(voices.encode(score), Error);
  EXPECT_THROW(voices.encode(waltz()), Error);
}

TEST(Tokenizer, refuses_a_transposition_that_leaves_the_midi_range_and_changes_nothing) {
  auto tokens = encode_remi(waltz());
  const auto before = tokens;
  EXPECT_FALSE(transpose_remi(tokens, 80));
  EXPECT_EQ(tokens, before);
}

TEST(Tokenizer, names_the_bar_whose_meter_it_cannot_say) {
  Score score = waltz();
  score.meters = {{0, 3, 4}, {1440, 11, 16}};
  try {
    encode_remi(score);
    FAIL() << "11/16 was encoded";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::unsupported);
    EXPECT_NE(e.detail().find("bar 2"), std::string::npos) << e.detail();
  }
}

TEST(Tokenizer, refuses_an_empty_score_and_tokens_out_of_order) {
  EXPECT_THROW(encode_remi(Score{}), Error);
  const std::vector<Token> wrong{V::token(TokenKind::bos), V::token(TokenKind::pitch, 60)};
  EXPECT_THROW(decode_remi(wrong), Error);
  const std::vector<Token> beyond{60000};
  EXPECT_THROW(decode_remi(beyond), Error);
}

TEST(Tokenizer, takes_real_folk_tunes_there_and_back) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) GTEST_SKIP() << "EUTERPE_DATA is not set: no real tunes to try";
  int tried = 0;
  for (const auto& path : walk_files({std::filesystem::path(data) / "nottingham"})) {
    if (path.extension() != ".mid" || ++tried > 100) continue;
    RemiOptions options;
    options.chords = true;
    auto with_chords = encode_remi(read_midi(path).score, options);
    std::erase_if(with_chords, [](Token t) { return V::kind(t) == TokenKind::chord; });
    const auto tokens = encode_remi(read_midi(path).score);
    EXPECT_EQ(with_chords, tokens) << path;
    EXPECT_EQ(encode_remi(decode_remi(tokens)), tokens) << path;
  }
  EXPECT_GT(tried, 0);
}

}  // namespace
}  // namespace euterpe
