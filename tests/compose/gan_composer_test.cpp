#include "compose/gan_composer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "compose/performance.hpp"
#include "compose/tiny_gan.hpp"
#include "corpus/prepare.hpp"
#include "score/bar_grid.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"
#include "train/tiny_gan.hpp"
#include "train/tiny_vae.hpp"

namespace euterpe {
namespace {

const Composer& gan() {
  static const TemporaryFolder folder;
  static const Composer composer = [] {
    test::save_tiny_gan(folder / "tiny");
    return Composer(find_model((folder / "tiny").string()));
  }();
  return composer;
}

ComposeOptions wish(int bars, std::uint64_t seed) {
  ComposeOptions o;
  o.style = "folk";
  o.bars = bars;
  o.seed = seed;
  return o;
}

std::vector<std::tuple<std::int64_t, std::int64_t, int>> notes(const Score& score, int from, int to, int ticks = 1920) {
  std::vector<std::tuple<std::int64_t, std::int64_t, int>> out;
  for (const Note& n : score.merged_notes())
    if (n.start >= from * ticks && n.start < to * ticks) out.emplace_back(n.start - from * ticks, n.duration, n.pitch);
  return out;
}

TEST(GanComposer, writes_valid_pieces_of_the_bars_meter_key_and_tempo_that_were_asked) {
  EXPECT_EQ(gan().styles(), (std::vector<std::string>{"folk", "pop"}));
  for (const char* meter : {"4/4", "3/4", "6/8", "2/4"})
    for (const int bars : {1, 4, 7, 18}) {
      ComposeOptions o = wish(bars, static_cast<std::uint64_t>(bars));
      o.meter = meter;
      o.key = parse_key("E major");
      o.tempo = 90;
      Composition piece = gan().compose(o);
      const int steps = grid_meters()[static_cast<std::size_t>(*grid_meter(meter))].steps;
      EXPECT_EQ(fmt::format("{}/{}", piece.score.meters.front().numerator, piece.score.meters.front().denominator),
                meter);
      EXPECT_GT(piece.score.note_count(), 2u * static_cast<unsigned>(bars));
      EXPECT_LE(piece.score.end_tick(), bars * steps * 120);
      EXPECT_EQ(piece.score.keys.front().fifths, 4);
      EXPECT_EQ(piece.provenance["in_key"], true);
      EXPECT_NEAR(piece.score.tempos.front().bpm(), 90, 0.01);
      EXPECT_EQ(piece.score.tracks.size(), 2u);
      EXPECT_EQ(piece.written, piece.score);
      for (const Note& n : piece.score.merged_notes()) {
        EXPECT_EQ(n.start % 120, 0);
        const int pitch = (n.pitch + 8) % 12;  // E = 0
        EXPECT_TRUE(pitch == 0 || pitch == 4 || pitch == 7) << int{n.pitch};
      }
      perform(piece.score, "folk");
      const auto read = read_midi(write_midi(piece.score));
      EXPECT_TRUE(read.mended.empty());
      EXPECT_EQ(read.score, piece.score);
      EXPECT_FALSE(write_musicxml(piece.score).empty());
    }
}

TEST(GanComposer, phrases_come_back_as_the_form_says) {
  ComposeOptions o = wish(16, 0);
  o.meter = "4/4";  // one frame has it: AABa
  const Score score = gan().compose(o).score;
  EXPECT_EQ(notes(score, 0, 4), notes(score, 4, 8));
  EXPECT_NE(notes(score, 0, 4), notes(score, 8, 12));
  EXPECT_NE(notes(score, 0, 4), notes(score, 12, 16));
  EXPECT_EQ(form_of_length("AABa", 3), "AAB");
  EXPECT_EQ(form_of_length("AB", 5), "ABaba");
}

TEST(GanComposer, the_same_seed_gives_the_same_piece_and_another_seed_another) {
  const Composition a = gan().compose(wish(8, 1)), b = gan().compose(wish(8, 1)), c = gan().compose(wish(8, 2));
  EXPECT_EQ(a.score, b.score);
  EXPECT_NE(a.score, c.score);
  const std::vector<std::uint64_t> seeds{1, 2};
  const auto variants = gan().compose_variants(wish(8, 0), seeds);
  EXPECT_EQ(variants[0].score, a.score);
  EXPECT_EQ(variants[1].score, c.score);
}

TEST(GanComposer, a_low_temperature_makes_seeds_alike) {
  const auto common = [](double temperature) {
    ComposeOptions o = wish(4, 1);
    o.meter = "4/4";
    o.sampling.temperature = temperature;
    const auto a = notes(gan().compose(o).score, 0, 4);
    o.seed = 2;
    const auto b = notes(gan().compose(o).score, 0, 4);
    const auto same =
        std::count_if(a.begin(), a.end(), [&](const auto& n) { return std::count(b.begin(), b.end(), n); });
    return static_cast<double>(same) / static_cast<double>(a.size());
  };
  EXPECT_GT(common(0.01), 0.9);
  EXPECT_LT(common(1), 0.8);
}

TEST(GanComposer, moves_to_the_register_asked_by_octaves) {
  ComposeOptions low = wish(8, 3), high = wish(8, 3);
  low.height = 48;
  high.height = 72;
  const auto mean = [](const Score& score) {
    double sum = 0;
    for (const Note& n : score.merged_notes()) sum += n.pitch;
    return sum / static_cast<double>(score.note_count());
  };
  EXPECT_NEAR(mean(gan().compose(low).score), 48, 6.1);
  EXPECT_NEAR(mean(gan().compose(high).score), 72, 6.1);
}

TEST(GanComposer, refuses_in_words_what_it_has_not_learned) {
  const auto refused = [](ComposeOptions o, const std::string& words) {
    try {
      gan().compose(o);
      ADD_FAILURE() << words;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage) << e.what();
      EXPECT_NE(e.detail().find(words), std::string::npos) << e.detail();
    }
  };
  const Score given = gan().compose(wish(4, 1)).score;
  ComposeOptions o = wish(4, 1);
  o.prompt = &given;
  refused(o, "go on");
  o = wish(4, 1);
  o.melody = &given;
  refused(o, "melody");
  o = wish(4, 1);
  o.gap_in = &given;
  refused(o, "gap");
  o = wish(4, 1);
  o.emotion = 1;
  refused(o, "emotions");
  o = wish(4, 1);
  o.chords = {{}};
  refused(o, "chords");
  o = wish(4, 1);
  o.meter = "5/4";
  refused(o, "5/4");
  o = wish(4, 1);
  o.sampling.top_k = 4;
  refused(o, "top-k");
  o = wish(4, 1);
  o.style = "chorale";
  refused(o, "chorale");
}

TEST(GanComposer, of_several_drawings_of_a_phrase_that_one_goes_on_which_the_discriminator_likes_best) {
  const TemporaryFolder folder;
  const GanTraining t = test::tiny_gan_training(folder.path(), "judged");
  Source source{"made", "CC0-1.0", true, {}, {}};
  for (const GridPiece& piece : test::tiny_grid_corpus({"folk", "pop"}).pieces)
    source.pieces.push_back({piece.id, piece.style, piece.id, "train", grid_score(piece.grid)});
  write_shard(folder / "made.shard", prepare(std::span(&source, 1)));
  train_gan(read_grid_corpus(folder / "made.shard", {}, {}, {}), t);
  Model model = find_model((folder / "judged").string());
  const PhraseJudge judge = PhraseJudge::of(model, gan_options(model.card.at("options"))).value();
  const auto liked = [&](int candidates) {
    model.card["sampling"]["folk"] = {{"candidates", candidates}};
    const GanComposer composer(model);
    double sum = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      ComposeOptions o = wish(4, seed);
      o.meter = "4/4";
      const BarGrid grid = bar_grid(composer.compose(o, {.style = "folk"}).score);
      sum += judge(phrase_roll(grid.bars), {.begins = true, .ends = true}, {}, {})[0];
    }
    return sum / 8;
  };
  EXPECT_GT(liked(12), liked(1));
  // Without the discriminator's weights there is no one to choose.
  model.card.erase("judge");
  EXPECT_THROW(GanComposer{model}, Error);
}

TEST(GanComposer, a_damaged_model_is_bad_input) {
  const TemporaryFolder folder;
  test::save_tiny_gan(folder / "tiny");
  const Model model = find_model((folder / "tiny").string());
  const auto refused = [&](const std::function<void(nlohmann::json&)>& change, const std::string& words) {
    Model other = model;
    change(other.card);
    try {
      const GanComposer composer(other);
      ADD_FAILURE() << words;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
    }
  };
  refused([](auto& card) { card.erase("options"); }, "options");
  refused([](auto& card) { card["options"]["width"] = 16; }, "_weight");
  refused([](auto& card) { card["options"]["width"] = 1 << 30; }, "width");
  refused([](auto& card) { card.erase("frames"); }, "frames of folk");
  refused([](auto& card) { card["sampling"]["pop"]["candidates"] = 4; }, "judge");
  refused([](auto& card) { card["sampling"]["pop"]["candidates"] = 0; }, "candidates");
  refused([](auto& card) { card["judge"] = {{"width", 1 << 20}, {"minibatch_deviation", true}}; }, "1048576 wide");
  refused([](auto& card) { card["judge"] = {{"width", 8}}; }, "minibatch_deviation");
  refused([](auto& card) { card["judge"] = {{"width", 8}, {"minibatch_deviation", true}}; }, "judge.");
  refused([](auto& card) { card["frames"]["pop"] = {{9, 0, 0, 120, "A"}}; }, "meter");
  refused([](auto& card) { card["frames"]["pop"] = {{0, 0, 0, 120, ""}}; }, "form");
  refused([](auto& card) { card["frames"]["pop"] = {{0, 0}}; }, "damaged");
}

}  // namespace
}  // namespace euterpe
