#include "compose/compose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "compose/drums.hpp"
#include "compose/performance.hpp"
#include "compose/variants.hpp"
#include "compose/with_composer.hpp"
#include "compose/writer.hpp"
#include "corpus/music.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using namespace test;

class Compose : public WithComposer {};

TEST_F(Compose, repeats_itself_with_the_seed_and_not_with_another) {
  const auto a = composer.compose(wish("folk", 8, 7)), b = composer.compose(wish("folk", 8, 7)),
             c = composer.compose(wish("folk", 8, 8));
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.nats_per_token, b.nats_per_token);
  EXPECT_NE(a.tokens, c.tokens);
  EXPECT_NE(a.score, c.score);
}

TEST_F(Compose, writes_exactly_the_bars_asked_for_and_nothing_sounds_beyond_them) {
  for (int bars : {1, 2, 5, 8, 9, 17})
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      const auto piece = composer.compose(wish(seed % 2 ? "folk" : "chorale", bars, seed));
      EXPECT_EQ(static_cast<int>(remi_bars(piece.tokens).size()), bars);
      EXPECT_EQ(bars_of(piece.score), bars) << "seed " << seed;
    }
}

TEST_F(Compose, every_piece_rereads_to_the_same_score_also_when_performed) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    auto piece = composer.compose(wish(seed % 2 ? "folk" : "chorale", 4, seed));
    EXPECT_GE(piece.score.note_count(), 8u);
    expect_rereads(piece.score);
    perform(piece.score, seed % 2 ? "folk" : "chorale");
    expect_rereads(piece.score);
    EXPECT_EQ(piece.score.note_count(), decode_remi(piece.tokens).note_count());
    EXPECT_EQ(piece.written.note_count(), piece.score.note_count());
  }
}

TEST_F(Compose, keeps_to_the_key_tempo_and_meter_that_were_wished) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    auto o = wish("folk", 4, seed);
    o.meter = "6/8";
    o.tempo = 96;
    o.key = parse_key("F# minor");
    const Score score = composer.compose(o).score;
    ASSERT_EQ(score.meters.size(), 1u);
    EXPECT_EQ(score.meters[0].numerator, 6);
    EXPECT_EQ(score.meters[0].denominator, 8);
    ASSERT_EQ(score.tempos.size(), 1u);
    EXPECT_NEAR(score.tempos[0].bpm(), 96, 96 * 0.015);
    ASSERT_EQ(score.keys.size(), 1u);
    EXPECT_EQ(score.keys[0].fifths, 3);
    EXPECT_TRUE(score.keys[0].minor);
    EXPECT_EQ(bars_of(score), 4);
  }
  auto o = wish("folk", 4, 1);
  o.tempo = 200;  // without a key the model chooses one, and the tempo still holds
  const Score score = composer.compose(o).score;
  ASSERT_EQ(score.tempos.size(), 1u);
  EXPECT_NEAR(score.tempos[0].bpm(), 200, 200 * 0.015);
  EXPECT_EQ(score.keys.size(), 1u);
}

TEST_F(Compose, stays_in_one_meter_when_none_was_wished) {
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    EXPECT_EQ(composer.compose(wish("folk", 6, seed)).score.meters.size(), 1u);
}

TEST_F(Compose, carries_its_provenance) {
  auto o = wish("folk", 4, 11);
  o.sampling.temperature = 0.9;
  const auto p = composer.compose(o).provenance;
  EXPECT_EQ(p["model"], "tiny");
  EXPECT_EQ(p["model_hash"], sha256_file(folder / "tiny/model.safetensors"));
  EXPECT_EQ(p["style"], "folk");
  EXPECT_EQ(p["seed"], 11);
  EXPECT_EQ(p["temperature"], 0.9);
  EXPECT_EQ(p["learned_from"][0]["licence"], "CC0-1.0");
  EXPECT_EQ(p["commercial"], true);
}

TEST_F(Compose, reports_the_likelihood_of_what_it_drew) {
  auto o = wish("folk", 8, 3);
  const double free = composer.compose(o).nats_per_token;
  o.sampling.temperature = 0.3;
  EXPECT_GT(free, 0.5);
  EXPECT_LT(composer.compose(o).nats_per_token, free);
}

TEST_F(Compose, says_the_chords_that_are_asked_in_their_bars) {
  auto o = wish("folk", 6, 4);
  o.chords = parse_bar_chords("C | Am F | G7");
  const auto piece = composer.compose(o);
  std::vector<std::vector<int>> said;
  for (const auto& bar : cut_at_bars(piece.tokens).bars) {
    auto& chords = said.emplace_back();
    for (const Token t : bar)
      if (RemiVocabulary::kind(t) == TokenKind::chord) chords.push_back(RemiVocabulary::value(t));
  }
  ASSERT_EQ(said.size(), 6u);
  for (std::size_t bar = 0; bar < 6; ++bar) {
    std::vector<int> asked;
    for (const Chord& c : o.chords[bar % 3]) asked.push_back(chord_value(c));
    EXPECT_EQ(said[bar], asked) << bar;
  }
  EXPECT_EQ(piece.provenance["chords"], "C:maj | A:min F:maj | G:7");
  EXPECT_GE(piece.provenance["chords_kept"].get<double>(), 0);
}

TEST_F(Compose, says_everything_that_is_asked_before_the_piece) {
  auto o = wish("folk/jig", 4, 4);
  o.emotion = 2;
  o.density = 12;
  o.height = 66;
  o.meter = "6/8";
  o.tempo = 120;
  o.key = parse_key("D");
  const auto piece = composer.compose(o);
  const RemiControls said = read_controls(std::span(piece.tokens).subspan(1));
  EXPECT_EQ(said.get(TokenKind::variety), remi_variety("folk", "jig"));
  EXPECT_EQ(said.get(TokenKind::emotion), 2);
  EXPECT_EQ(said.get(TokenKind::density), density_class(12));
  EXPECT_EQ(said.get(TokenKind::height), height_class(66));
  EXPECT_EQ(said.get(TokenKind::meter), remi_meter("6/8"));
  EXPECT_EQ(said.get(TokenKind::tempo), tempo_step(120));
  EXPECT_EQ(piece.provenance["variety"], "jig");
}

TEST_F(Compose, guidance_changes_what_is_written_and_is_off_at_one) {
  auto o = wish("folk", 4, 4);
  const auto plain = composer.compose(o);
  o.sampling.guidance = 1;
  EXPECT_EQ(composer.compose(o).tokens, plain.tokens);
  o.sampling.guidance = 3;
  const auto guided = composer.compose(o);
  EXPECT_NE(guided.tokens, plain.tokens);
  expect_rereads(guided.score);
}

TEST(Repetition, is_discouraged_once_for_each_bar_that_began_alike) {
  using V = RemiVocabulary;
  const Token bar = V::token(TokenKind::bar), left = V::token(TokenKind::left, 3), a = V::token(TokenKind::position, 0),
              b = V::token(TokenKind::part, 0), c = V::token(TokenKind::pitch, 60),
              d = V::token(TokenKind::duration, 5), e = V::token(TokenKind::position, 6),
              f = V::token(TokenKind::position, 12);
  const std::vector<std::vector<Token>> earlier{
      {bar, a, b, c, d, e}, {bar, left, a, b, c, d, e}, {bar, a, b, c, d, f}, {bar, a, b, c, d}, {bar, a, b, c, f, e}};
  const auto penalties = [&](const std::vector<Token>& now) {
    std::vector<float> logits(static_cast<std::size_t>(V::size()), 0.0F);
    discourage_repetition(logits, earlier, now, 2.0);
    return logits;
  };
  for (const auto& now : {std::vector<Token>{bar, a, b, c, d}, std::vector<Token>{bar, left, a, b, c, d}}) {
    const auto logits = penalties(now);
    EXPECT_EQ(logits[e], -4.0F);
    EXPECT_EQ(logits[f], -2.0F);
    EXPECT_EQ(std::count(logits.begin(), logits.end(), 0.0F), static_cast<std::ptrdiff_t>(logits.size()) - 2);
  }
  const auto short_bar = penalties({bar, a, b, c});  // every second bar begins with such words
  EXPECT_EQ(std::count(short_bar.begin(), short_bar.end(), 0.0F), static_cast<std::ptrdiff_t>(short_bar.size()));
}

TEST_F(Compose, a_penalty_changes_what_is_written) {
  auto o = wish("folk", 12, 4);
  o.sampling.temperature = 0.3;
  const auto plain = composer.compose(o);
  o.sampling.repetition_penalty = 100;
  const auto bars = cut_at_bars(composer.compose(o).tokens).bars;
  for (std::size_t i = 0; i < bars.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_TRUE(bars[i] != bars[j] || bars[i].size() < 7) << i << " is " << j;
  EXPECT_EQ(plain.provenance["repetition_penalty"], 0);
}

TEST_F(Compose, adds_drums_bar_for_bar) {
  Score piece = test::walk(5, 6);
  const Score before = piece;
  Progress progress("compose", 0, "bars");
  const auto groove = add_drums(piece, composer, "funk", 3, {}, &progress);
  EXPECT_EQ(progress.done(), 6u * static_cast<unsigned>(groove.attempts));
  ASSERT_EQ(piece.tracks.size(), 2u);
  EXPECT_EQ(piece.tracks[0], before.tracks[0]);
  EXPECT_TRUE(piece.tracks[1].drums);
  EXPECT_EQ(bars_of(piece), 6);
  EXPECT_EQ(groove.provenance["variety"], "funk");
  expect_rereads(piece);
  // Who plays them stands in the piece's record, with the terms of both.
  nlohmann::json record{
      {"model", "singers"}, {"learned_from", {{{"name", "hymns"}, {"licence", "CC0-1.0"}}}}, {"commercial", true}};
  nlohmann::json theirs = groove.provenance;
  add_drummer(record, theirs);
  EXPECT_EQ(record["drums"]["model"], "tiny");
  EXPECT_EQ(record["drums"]["model_hash"], composer.model().hash);
  EXPECT_EQ(record["drums"]["variety"], "funk");
  EXPECT_EQ(record["model"], "singers");
  EXPECT_EQ(record["learned_from"].size(), 2u);
  EXPECT_EQ(record["commercial"], true);
  theirs["commercial"] = false;
  add_drummer(record, theirs);
  EXPECT_EQ(record["commercial"], false);
  EXPECT_EQ(record["learned_from"].size(), 2u) << "the same source once";
  EXPECT_THROW(add_drums(piece, composer, "polka", 3), Error);
  Score empty;
  EXPECT_THROW(add_drums(empty, composer, "funk", 3), Error);
}

TEST_F(Compose, ranks_variants_by_likelihood_and_novelty) {
  std::vector<Composition> pieces;
  for (std::uint64_t seed : {1, 1, 2, 3}) pieces.push_back(composer.compose(wish("folk", 4, seed)));
  for (std::size_t i = 0; i < 4; ++i) pieces[i].nats_per_token = 1.0;
  const auto order = rank_variants(pieces);
  ASSERT_EQ(order.size(), 4u);
  // Two are the same piece, so neither is as new as the others.
  EXPECT_GE(order[0].index, 2u);
  EXPECT_GE(order[1].index, 2u);
  EXPECT_EQ(order[2].novelty, order[3].novelty);
  pieces[0].nats_per_token = 0.1;
  for (const auto& v : rank_variants(pieces)) EXPECT_NEAR(v.likelihood, v.index == 0 ? -0.1 : -1.0, 1e-12);
}

TEST_F(Compose, refuses_wishes_it_cannot_fulfill) {
  expect_refused(composer, wish("polka", 4, 0), Category::usage, "chorale, folk");
  expect_refused(composer, wish("pop", 4, 0), Category::usage, "pop");  // known, but not to this model
  for (int bars : {0, -1, 513, 1 << 30}) expect_refused(composer, wish("folk", bars, 0), Category::usage, "bars");
  auto o = wish("folk", 4, 0);
  for (const char* meter : {"11/8", "4", "", "x", "4/4 "}) {
    o.meter = meter;
    expect_refused(composer, o, Category::usage, "meter");
  }
  o = wish("folk", 4, 0);
  for (double tempo : {0.0, -5.0, 29.0, 241.0, std::nan("")}) {
    o.tempo = tempo;
    expect_refused(composer, o, Category::usage, "tempo");
  }
  o = wish("folk", 4, 0);
  o.sampling.temperature = 0;
  expect_refused(composer, o, Category::usage, "temperature");
  o = wish("folk", 4, 0);
  o.sampling.guidance = 11;
  expect_refused(composer, o, Category::usage, "guidance");
  o = wish("folk", 4, 0);
  o.density = 0;
  expect_refused(composer, o, Category::usage, "density");
  // What no attempt could fulfill.
  for (const char* drums : {"drums", "drums/funk"}) {
    o = wish(drums, 4, 0);
    o.key = parse_key("A minor");
    expect_refused(composer, o, Category::usage, "no key");
    o = wish(drums, 4, 0);
    o.chords = parse_bar_chords("C");
    expect_refused(composer, o, Category::usage, "no chords");
    o = wish(drums, 4, 0);
    o.height = 60;
    expect_refused(composer, o, Category::usage, "no register");
  }
}

TEST_F(Compose, refuses_models_that_compose_nothing) {
  auto refused = [&](const char* key, const nlohmann::json& value) {
    test::save_tiny_composer(folder / "other");
    Model model = find_model((folder / "other").string());
    model.card[key] = value;
    EXPECT_THROW(Composer{model}, Error) << key;
  };
  refused("task", "style-score");
  refused("tokenizer", "remi.v0");
  refused("styles", {"unheard-of"});
  refused("options", {{"d_model", 32}});
  test::save_tiny_composer(folder / "short", 32);
  EXPECT_THROW(Composer{find_model((folder / "short").string())}, Error);
}

TEST_F(Compose, names_a_model_that_has_learned_emotions) {
  Model model = composer.model();
  model.card["emotions"] = false;
  auto o = wish("folk", 4, 0);
  o.emotion = 2;
  expect_refused(Composer(model), o, Category::usage, "--model composer-emotion");
}

TEST_F(Compose, refuses_weights_that_were_changed) {
  auto bytes = read_file(folder / "tiny/model.safetensors");
  bytes.back() ^= 1;
  write_file(folder / "tiny/model.safetensors", bytes);
  EXPECT_THROW(Composer{find_model((folder / "tiny").string())}, Error);
}

TEST(ShippedComposer, writes_every_style_it_names_validly) {
  Model model;
  try {
    model = find_model("composer");
  } catch (const Error& e) {
    GTEST_SKIP() << "no composer is shipped here: " << e.what();
  }
  const Composer composer(model);
  for (const std::string& style : composer.styles()) {
    auto piece = composer.compose(wish(style, 8, 5));
    EXPECT_EQ(bars_of(piece.score), 8) << style;
    perform(piece.score, style);
    expect_rereads(piece.score);
    EXPECT_EQ(piece.score, [&] {
      auto again = composer.compose(wish(style, 8, 5));
      perform(again.score, style);
      return again.score;
    }());
  }
}

}  // namespace
}  // namespace euterpe
