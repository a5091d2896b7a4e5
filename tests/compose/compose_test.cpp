#include "compose/compose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "compose/drums.hpp"
#include "compose/performance.hpp"
#include "compose/tiny_composer.hpp"
#include "compose/variants.hpp"
#include "compose/writer.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

ComposeOptions wish(const std::string& style, int bars, std::uint64_t seed) {
  ComposeOptions o;
  o.style = style;
  o.bars = bars;
  o.seed = seed;
  return o;
}

int bars_of(const Score& score) { return static_cast<int>(score.bar_lines().size()) - 1; }

void expect_rereads(const Score& score) {
  const auto read = read_midi(write_midi(score));
  EXPECT_TRUE(read.mended.empty());
  EXPECT_EQ(read.score, score);
  EXPECT_FALSE(write_musicxml(score).empty());
}

void expect_refused(const Composer& composer, const ComposeOptions& o, Category category, const std::string& word) {
  try {
    composer.compose(o);
    ADD_FAILURE() << "was composed: " << word;
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), category) << e.what();
    EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
  }
}

class Compose : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  Composer composer = [this] {
    test::save_tiny_composer(folder / "tiny");
    return Composer(find_model((folder / "tiny").string()));
  }();
};

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

class Continue : public Compose {
 protected:
  /// Every note of the prompt stands in the result as it was (one that rings on over the seam may end where its pitch
  /// begins anew).
  static void expect_kept(const Score& prompt, const Score& result) {
    ASSERT_EQ(result.tracks.size(), prompt.tracks.size());
    EXPECT_EQ(result.ticks_per_quarter, prompt.ticks_per_quarter);
    EXPECT_EQ(result.tempos, prompt.tempos);
    const std::int64_t seam = prompt.bar_lines().back();
    for (std::size_t i = 0; i < prompt.tracks.size(); ++i) {
      EXPECT_EQ(result.tracks[i].texts, prompt.tracks[i].texts);
      EXPECT_EQ(result.tracks[i].events, prompt.tracks[i].events);
      std::vector<Note> before;
      for (const Note& n : result.tracks[i].notes)
        if (n.start < seam) before.push_back(n);
      EXPECT_EQ(before, prompt.tracks[i].notes) << i;
    }
  }
};

TEST_F(Continue, keeps_the_prompt_untouched_and_adds_the_bars_asked_for) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Score prompt = test::walk(seed, 3);
    auto o = wish("folk", 4, seed);
    o.prompt = &prompt;
    const auto piece = composer.compose(o);
    expect_kept(prompt, piece.score);
    EXPECT_EQ(bars_of(piece.score), 7);
    EXPECT_GT(piece.score.note_count(), prompt.note_count());
    expect_rereads(piece.score);
  }
}

TEST_F(Continue, keeps_off_grid_time_tempos_texts_and_several_tracks) {
  Score prompt;
  prompt.ticks_per_quarter = 96;
  prompt.tempos = {{0, 500000}, {288, 400000}};
  prompt.meters = {{0, 3, 4}};
  Track& conductor = prompt.tracks.emplace_back();
  conductor.texts = {{0, 0x01, "a word"}, {300, 0x06, "later"}};
  Track& tune = add_track(prompt, "tune", 40, 0);
  for (int i = 0; i < 11; ++i) tune.notes.push_back({i * 52 + 1, 47, static_cast<std::uint8_t>(60 + i % 5), 71, 0});
  Track& drums = add_track(prompt, "drums", 0, 9);
  for (int i = 0; i < 6; ++i) drums.notes.push_back({i * 96, 24, 36, 100, 9});
  prompt.sort();
  prompt = read_midi(write_midi(prompt)).score;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto o = wish("folk", 3, seed);
    o.prompt = &prompt;
    const auto piece = composer.compose(o);
    expect_kept(prompt, piece.score);
    EXPECT_EQ(bars_of(piece.score), bars_of(prompt) + 3);
    EXPECT_EQ(piece.score.meters.size(), 1u);
    expect_rereads(piece.score);
  }
}

TEST_F(Continue, goes_on_from_a_prompt_longer_than_the_context) {
  const Score prompt = test::walk(4, 40);
  auto o = wish("folk", 4, 1);
  o.prompt = &prompt;
  const auto piece = composer.compose(o);
  EXPECT_GT(piece.tokens.size(), 900u);  // of a context of 96
  expect_kept(prompt, piece.score);
  EXPECT_EQ(bars_of(piece.score), 44);
  expect_rereads(piece.score);
}

TEST_F(Continue, a_last_note_just_over_the_bar_line_is_no_bar_more) {
  Score prompt = test::walk(4, 2);
  prompt.tracks[0].notes.back().duration += 1;
  auto o = wish("folk", 2, 1);
  o.prompt = &prompt;
  const auto piece = composer.compose(o);
  EXPECT_GT(piece.score.note_count(), prompt.note_count());
  EXPECT_EQ(bars_of(piece.score), 4);
  expect_rereads(piece.score);
}

TEST_F(Continue, a_chord_held_over_the_seam_may_sound_on) {
  Score prompt = test::walk(4, 2);
  for (std::uint8_t pitch : {40, 44, 47}) prompt.tracks[0].notes.push_back({0, 2 * 1920, pitch, 80, 0});
  prompt.sort();
  auto o = wish("folk", 2, 1);
  o.prompt = &prompt;
  const auto piece = composer.compose(o);
  expect_kept(prompt, piece.score);
  expect_rereads(piece.score);
}

TEST_F(Continue, refuses_a_prompt_that_tokens_cannot_say) {
  const Score empty;
  auto o = wish("folk", 2, 1);
  o.prompt = &empty;
  expect_refused(composer, o, Category::bad_input, "no note");
  Score odd = test::walk(1);
  odd.meters = {{0, 11, 8}};
  o.prompt = &odd;
  expect_refused(composer, o, Category::unsupported, "bar 1");
}

std::vector<Note> notes_between(const Track& track, std::int64_t from, std::int64_t to) {
  std::vector<Note> out;
  for (const Note& n : track.notes)
    if (n.start >= from && n.start < to) out.push_back(n);
  return out;
}

class Infill : public Compose {};

TEST_F(Infill, writes_the_bars_named_anew_and_leaves_the_others) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const Score piece = test::walk(seed, 10);
    auto o = wish("folk", 1, seed);
    o.gap_in = &piece;
    o.gap = {static_cast<int>(1 + seed % 4), 3};
    const auto filled = composer.compose(o);
    const std::int64_t from = (o.gap.first - 1) * 1920, to = from + 3 * 1920;
    for (const auto& [a, b] : {std::pair<std::int64_t, std::int64_t>{0, from}, {to, 1 << 30}})
      EXPECT_EQ(notes_between(filled.score.tracks[0], a, b), notes_between(piece.tracks[0], a, b)) << seed;
    EXPECT_NE(notes_between(filled.score.tracks[0], from, to), notes_between(piece.tracks[0], from, to));
    EXPECT_EQ(bars_of(filled.score), 10);
    EXPECT_LE(bars_of(filled.written), 7);  // a last note may ring on
    EXPECT_LT(filled.written.merged_notes().back().start, 3 * 1920);
    EXPECT_EQ(filled.provenance["filled"], std::to_string(o.gap.first) + "-" + std::to_string(o.gap.first + 2));
    expect_rereads(filled.score);
  }
}

TEST_F(Infill, fills_the_end_and_a_gap_in_a_piece_longer_than_the_context) {
  const Score piece = test::walk(2, 40);
  for (const BarRange gap : {BarRange{38, 3}, BarRange{1, 2}, BarRange{15, 20}}) {
    auto o = wish("folk", 1, 3);
    o.gap_in = &piece;
    o.gap = gap;
    const auto filled = composer.compose(o);
    const std::int64_t from = (gap.first - 1) * 1920, to = from + gap.count * 1920;
    EXPECT_EQ(notes_between(filled.score.tracks[0], 0, from), notes_between(piece.tracks[0], 0, from));
    EXPECT_EQ(notes_between(filled.score.tracks[0], to, 1 << 30), notes_between(piece.tracks[0], to, 1 << 30));
    expect_rereads(filled.score);
  }
}

TEST_F(Infill, refuses_bars_that_are_not_there) {
  const Score piece = test::walk(2, 4);
  auto o = wish("folk", 1, 3);
  o.gap_in = &piece;
  for (const BarRange gap : {BarRange{0, 1}, BarRange{5, 1}, BarRange{3, 3}, BarRange{1, 4}}) {
    o.gap = gap;
    expect_refused(composer, o, Category::usage, "4 bars");
  }
}

class Melody : public Compose {};

TEST_F(Melody, stands_untouched_above_what_accompanies_it) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Score melody = test::walk(seed, 5);
    melody.ticks_per_quarter = 480;
    for (Note& n : melody.tracks[0].notes) n.velocity = static_cast<std::uint8_t>(60 + n.pitch % 30);
    auto o = wish("chorale", 16, seed);
    o.melody = &melody;
    const auto piece = composer.compose(o);
    ASSERT_GE(piece.score.tracks.size(), 2u);
    EXPECT_EQ(piece.score.tracks[0].notes, melody.tracks[0].notes);
    EXPECT_EQ(bars_of(piece.score), 5);
    EXPECT_GT(piece.score.note_count(), melody.note_count());
    EXPECT_EQ(piece.written.note_count(), piece.score.note_count() - melody.note_count());
    expect_rereads(piece.score);
  }
}

TEST_F(Melody, may_be_in_seven_eight_and_change_its_meter) {
  Score melody;
  melody.ticks_per_quarter = 96;
  melody.meters = {{0, 7, 8}, {3 * 336, 3, 4}};
  melody.tempos = {{0, 400000}, {700, 600000}};
  Track& track = add_track(melody, "flute", 73, 2);
  for (int i = 0; i < 34; ++i) track.notes.push_back({i * 48, 40, static_cast<std::uint8_t>(65 + i % 7), 90, 2});
  melody.sort();
  auto o = wish("folk", 4, 2);
  o.melody = &melody;
  const auto piece = composer.compose(o);
  EXPECT_EQ(piece.score.meters, melody.meters);
  EXPECT_EQ(piece.score.tempos, melody.tempos);
  EXPECT_EQ(piece.score.tracks[0].notes, melody.tracks[0].notes);
  EXPECT_EQ(bars_of(piece.score), bars_of(melody));
  expect_rereads(piece.score);
}

TEST_F(Melody, is_found_in_a_piece_of_several_parts) {
  Score score = test::walk(3, 4);
  Track& low = add_track(score, "chords", 24, 1);
  for (int bar = 0; bar < 4; ++bar)
    for (std::uint8_t pitch : {36, 43, 48}) low.notes.push_back({bar * 1920, 1920, pitch, 70, 1});
  score.sort();
  auto o = wish("folk", 4, 2);
  o.melody = &score;
  const auto piece = composer.compose(o);
  EXPECT_EQ(piece.score.tracks[0].notes, score.tracks[0].notes);
  expect_rereads(piece.score);
}

TEST_F(Melody, of_ten_thousand_notes_or_of_none_is_a_clear_error) {
  const Score endless = test::walk(1, 1250);
  ASSERT_EQ(endless.note_count(), 10000u);
  auto o = wish("folk", 4, 2);
  o.melody = &endless;
  expect_refused(composer, o, Category::usage, "1250 bars");
  const Score empty;
  o.melody = &empty;
  expect_refused(composer, o, Category::bad_input, "no note");
  const Score tune = test::walk(1, 4);
  o.melody = o.prompt = &tune;
  expect_refused(composer, o, Category::usage, "do not go together");
  o.prompt = nullptr;
  o.key = parse_key("C");
  expect_refused(composer, o, Category::usage, "keeps its own");
}

TEST_F(Melody, many_times_longer_than_the_context_is_accompanied_to_its_end) {
  const Score tune = test::walk(1, 60);
  auto o = wish("folk", 4, 2);
  o.melody = &tune;
  const auto piece = composer.compose(o);
  EXPECT_EQ(piece.score.tracks[0].notes, tune.tracks[0].notes);
  EXPECT_EQ(bars_of(piece.score), 60);
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
  const auto groove = add_drums(piece, composer, "funk", 3);
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

TEST(Wishes, are_read_as_people_write_them) {
  const std::vector<std::string> styles{"chorale", "folk", "classical", "drums", "pop"};
  const std::vector<std::string> kinds{"folk/jig", "classical/bach", "drums/pop", "drums/funk", "folk/funk"};
  EXPECT_EQ(parse_style("", styles, kinds).style, "chorale");
  EXPECT_EQ(parse_style("folk", styles, kinds).variety, "");
  EXPECT_EQ(parse_style("folk/jig", styles, kinds).variety, "jig");
  EXPECT_EQ(parse_style("bach", styles, kinds).style, "classical");
  EXPECT_EQ(parse_style("pop", styles, kinds).style, "pop");  // drums/pop is another thing
  EXPECT_EQ(parse_style("drums/pop", styles, kinds).variety, "pop");
  for (const char* bad : {"polka", "funk", "folk/reel", "folk/", "/", "rock/"})
    EXPECT_THROW(parse_style(bad, styles, kinds), Error) << bad;
  EXPECT_EQ(parse_emotion("sad"), 2);
  EXPECT_EQ(parse_emotion("Q1"), 0);
  EXPECT_THROW(parse_emotion("bored"), Error);
  EXPECT_EQ(parse_pitch("C4"), 60);
  EXPECT_EQ(parse_pitch("Bb3"), 58);
  EXPECT_EQ(parse_pitch("72"), 72);
  for (const char* bad : {"", "H4", "C", "128", "-1", "C11", "Cx4"}) EXPECT_THROW(parse_pitch(bad), Error) << bad;
  EXPECT_EQ(parse_bar_range("5").count, 1);
  EXPECT_EQ(parse_bar_range("5-8").first, 5);
  EXPECT_EQ(parse_bar_range("5-8").count, 4);
  for (const char* bad : {"", "0", "8-5", "5-", "-5", "a", "5-8-9", "99999999999"})
    EXPECT_THROW(parse_bar_range(bad), Error) << bad;
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
}

TEST(Key, is_read_as_people_write_it) {
  auto key = [](const char* text) { return parse_key(text).name(); };
  EXPECT_EQ(key("C"), "C major");
  EXPECT_EQ(key("C major"), "C major");
  EXPECT_EQ(key("a minor"), "A minor");
  EXPECT_EQ(key("a"), "A minor");
  EXPECT_EQ(key("Am"), "A minor");
  EXPECT_EQ(key("F#m"), "F# minor");
  EXPECT_EQ(key("Bb"), "Bb major");
  EXPECT_EQ(key("bb"), "Bb minor");
  EXPECT_EQ(key("Cb"), "B major");
  EXPECT_EQ(key("B# min"), "C minor");
  EXPECT_EQ(key("c major"), "C major");
  for (const char* bad : {"", "H", "H#", "C##", "C dorian", " C", "#", "7", "Cmm"})
    EXPECT_THROW(parse_key(bad), Error) << bad;
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
