#include "compose/compose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "compose/performance.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

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
