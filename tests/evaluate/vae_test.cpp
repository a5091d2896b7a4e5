#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/datasets.hpp"
#include "corpus/music.hpp"
#include "evaluate/drawn_in_turns.hpp"
#include "evaluate/task.hpp"
#include "evaluate/transfer_baselines.hpp"
#include "evaluate/vae_measures.hpp"
#include "score/midi.hpp"
#include "train/tiny_vae.hpp"

namespace euterpe {
namespace {

BarGrid bars_of(std::vector<std::vector<BarNote>> bars) {
  BarGrid grid;
  for (auto& notes : bars) {
    grid.bars.push_back({0, std::move(notes)});
    sort_grid_bar(grid.bars.back());
  }
  return grid;
}

TEST(NoteF, MatchesOnsetAndPitchOnceWhateverPartAndLength) {
  const BarGrid a = bars_of({{{0, kGridMelody, 60, 4}, {4, kGridMelody, 62, 4}}, {{0, kGridMelody, 64, 4}}});
  EXPECT_DOUBLE_EQ(note_f(a, a), 1);
  const BarGrid other_part = bars_of({{{0, kGridAccompaniment, 60, 9}, {4, kGridMelody, 62, 1}}, {{0, 0, 64, 2}}});
  EXPECT_DOUBLE_EQ(note_f(a, other_part), 1);
  // One pitch is another, one onset too: one of three and three is left.
  const BarGrid off = bars_of({{{0, kGridMelody, 61, 4}, {5, kGridMelody, 62, 4}}, {{0, kGridMelody, 64, 4}}});
  EXPECT_DOUBLE_EQ(note_f(a, off), 2.0 / 6);
  // The same note in both parts is one note, so a second one finds nothing.
  const BarGrid doubled = bars_of({{{0, 0, 60, 4}, {0, 1, 60, 4}, {1, 0, 60, 1}, {4, 0, 62, 4}}, {{0, 0, 64, 4}}});
  EXPECT_DOUBLE_EQ(note_f(a, doubled), 6.0 / 7);
  EXPECT_DOUBLE_EQ(note_f(bars_of({{}}), bars_of({{}, {}})), 1);
  EXPECT_DOUBLE_EQ(note_f(a, bars_of({{}})), 0);
  EXPECT_DOUBLE_EQ(note_f(a, off), note_f(off, a));
}

TEST(ActiveDimensions, AreThoseWhoseMeansVary) {
  const std::vector<float> means{0.F, 5.F, 0.1F, 1.F,   //
                                 0.F, 5.F, 0.2F, -1.F,  //
                                 0.F, 5.F, 0.0F, 1.F};
  EXPECT_EQ(active_dimensions(means, 4), 1) << "the third varies by less than 0.01";
  EXPECT_EQ(active_dimensions({}, 4), 0);
}

TEST(BlendPath, CountsTheStepsThatAreShorterThanTheWayBetweenTheEnds) {
  const auto at = [](std::vector<int> pitches) {
    std::vector<BarNote> notes;
    for (std::size_t i = 0; i < pitches.size(); ++i)
      notes.push_back({static_cast<int>(4 * i), kGridMelody, pitches[i], 4});
    return bars_of({notes});
  };
  const std::vector<BarGrid> gradual{at({60, 60, 60, 60}), at({60, 60, 60, 72}), at({60, 60, 72, 72}),
                                     at({72, 72, 72, 72})};
  const BlendPath path = blend_path(gradual);
  EXPECT_DOUBLE_EQ(path.ends, 1);
  EXPECT_EQ(path.steps, (std::vector<double>{0.25, 0.25, 0.5}));
  EXPECT_DOUBLE_EQ(path.nearer(), 1);
  EXPECT_DOUBLE_EQ(path.order(), 1);
  const std::vector<BarGrid> jump{at({60, 60}), at({60, 60}), at({72, 72}), at({72, 72})};
  EXPECT_DOUBLE_EQ(blend_path(jump).nearer(), 2.0 / 3) << "the jump is as long as the way itself";
  const std::vector<BarGrid> astray{at({60, 60}), at({65, 66}), at({60, 72})};
  EXPECT_DOUBLE_EQ(blend_path(astray).nearer(), 0);
}

TEST(NotatedGrid, StandsAtTheHeightThatTheSignatureSays) {
  for (int moved = -6; moved <= 5; ++moved)
    for (const bool minor : {false, true}) {
      BarGrid grid = bars_of({{{0, kGridMelody, 66, 4}, {4, kGridMelody, 61, 4}, {8, kGridAccompaniment, 50, 8}}});
      grid.moved = moved;
      grid.minor = minor;
      const Score score = grid_score(grid);
      EXPECT_EQ(notated_move(score), moved);
      EXPECT_DOUBLE_EQ(note_f(notated_grid(score), grid), 1) << moved;
    }
  EXPECT_TRUE(notated_grid(Score{}).bars.empty());
}

TEST(StatisticRanges, NameWhatLiesOutside) {
  const std::vector<MusicStatistics> real{{{"polyphony", 2}, {"entropy", 3}}, {{"polyphony", 4}, {"entropy", 3.5}}};
  const StatisticRanges ranges = statistic_ranges(real);
  EXPECT_TRUE(outside({{"polyphony", 4}, {"entropy", 3}}, ranges).empty());
  EXPECT_EQ(outside({{"polyphony", 4.1}, {"entropy", 2}}, ranges), (std::vector<std::string>{"entropy", "polyphony"}));
  const std::vector<MusicStatistics> fuller{{{"polyphony", 6}, {"entropy", 1}}};
  EXPECT_TRUE(outside({{"polyphony", 5}, {"entropy", 2}}, united(ranges, statistic_ranges(fuller))).empty());
}

TEST(DrawnInTurns, TakesOneOfEachPieceBeforeASecondOfAny) {
  Random random(1);
  const auto drawn = draw_in_turns(std::vector<std::vector<int>>{{1, 2, 3}, {}, {4}, {5, 6}}, 5, random);
  ASSERT_EQ(drawn.items.size(), 5u);
  std::vector<std::size_t> first(drawn.piece.begin(), drawn.piece.begin() + 3);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (std::vector<std::size_t>{0, 2, 3}));
  EXPECT_EQ(draw_in_turns(std::vector<std::vector<int>>{{1}, {2}}, 9, random).items.size(), 2u);
}

TEST(Reorchestrated, MovesPartsByOctavesAndNothingElse) {
  BarGrid source = bars_of({{{0, kGridMelody, 60, 4}, {4, kGridMelody, 64, 4}, {0, kGridAccompaniment, 58, 8}}});
  source.moved = -2;
  BarGrid low = bars_of({{{0, kGridMelody, 86, 4}, {0, kGridAccompaniment, 48, 4}}});
  const PartRegisters registers = part_registers(std::span(&low, 1));
  EXPECT_DOUBLE_EQ(*registers[kGridMelody], 86);
  const Score score = reorchestrated(source, registers, "pop");
  ASSERT_EQ(score.tracks.size(), 2u);
  EXPECT_EQ(score.tracks[0].notes[0].pitch, 62 + 24);
  EXPECT_EQ(score.tracks[0].notes[1].pitch, 66 + 24);
  EXPECT_EQ(score.tracks[1].notes[0].pitch, 60 - 12);
  const BarGrid tune = bars_of({{{0, kGridMelody, 72, 4}}});
  EXPECT_FALSE(part_registers(std::span(&tune, 1))[kGridAccompaniment]);
  EXPECT_EQ(reorchestrated(source, part_registers(std::span(&tune, 1)), "folk").tracks[1].notes[0].pitch, 60);
}

/// Held-out tunes and chorales on disk, and a network that has hardly learned.
class EvaluateVae : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_threads(1);
    made = new test::TemporaryFolder;
    test::save_tiny_vae(*made / "tiny", {"folk", "pop"});
    for (const auto& [set, name] : {std::pair("nottingham", "tune"), std::pair("pop909", "song")})
      std::filesystem::create_directories(*made / "data" / set);
    for (int i = 0, held_out = 0; held_out < 4; ++i) {
      const std::string name = "tune" + std::to_string(i);
      if (split_of("nottingham/" + name) != "test") continue;
      write_midi(*made / "data/nottingham" / (name + ".mid"), tune(++held_out));
    }
    for (int i = 1, held_out = 0; held_out < 4; ++i) {
      const std::string name = (i < 10 ? "00" : i < 100 ? "0" : "") + std::to_string(i);
      if (split_of("pop909/" + name) != "test") continue;
      const auto folder = *made / "data/pop909" / name;
      std::filesystem::create_directories(folder);
      write_midi(folder / (name + ".mid"), tune(10 + ++held_out));
      test::write(folder / "beat_midi.txt", "0.0 1.0 1.0\n");
    }
  }
  static void TearDownTestSuite() { delete made; }
  static Score tune(int seed) {
    Score out = test::walk(static_cast<std::uint64_t>(seed), 16);
    for (std::int64_t bar = 0; bar < 16; ++bar)
      for (const int pitch : bar % 2 ? std::vector{43, 47, 50} : std::vector{48, 52, 55})
        out.tracks[0].notes.push_back({bar * 1920, 1920, static_cast<std::uint8_t>(pitch), 80, 0});
    out.sort();
    return out;
  }
  static EvaluateOptions options() {
    EvaluateOptions o;
    o.data = *made / "data";
    o.model = (*made / "tiny").string();
    o.limit = 2;
    o.seed = 3;
    return o;
  }
  static test::TemporaryFolder* made;
};
test::TemporaryFolder* EvaluateVae::made = nullptr;

TEST_F(EvaluateVae, MeasuresWhatComesBackTheWaysBetweenPiecesAndWhatIsAsked) {
  const auto result = evaluate_vae(options());
  EXPECT_EQ(result["model"]["name"], "tiny");
  ASSERT_TRUE(result["styles"].contains("folk"));
  for (const auto& style : result["styles"]) {
    EXPECT_EQ(style["n"], 2);
    EXPECT_EQ(style["dimensions"], 16);
    EXPECT_GE(style["kl_nats_per_bar"].get<double>(), 0);
    EXPECT_LE(style["reconstruction_f"].get<double>(), 1);
    for (const char* name : {"density", "polyphony"}) {
      const std::string rho = std::string(name) + "_rho";
      const std::size_t classes = style[name].size();
      EXPECT_TRUE(classes >= 1 && classes <= 8u) << name;
      for (std::size_t k = 1; k < classes; ++k)
        EXPECT_GT(style[name][k]["asked"].get<double>(), style[name][k - 1]["asked"].get<double>()) << name;
      EXPECT_LE(style[rho].get<double>(), style[rho + "_ceiling"].get<double>() + 1e-12) << name;
      EXPECT_LE(std::abs(style[rho + "_of_means"].get<double>()), 1 + 1e-12) << name;
    }
    for (const char* name : {"reconstruction_f", "kl_nats_per_bar", "density_rho", "polyphony_rho"})
      EXPECT_TRUE(style[std::string(name) + "_se"].is_number()) << name;
  }
  const auto& ways = result["interpolation"];
  EXPECT_GT(ways["pairs"].get<int>(), 0);
  EXPECT_EQ(result["interpolation_monotone"], ways["steps_nearer"]);
  EXPECT_EQ(ways["outside"].size(), 8u);
  EXPECT_EQ(evaluate_vae(options()), result) << "the seed fixes all of it";
}

TEST_F(EvaluateVae, TransfersEachStyleIntoEachOtherBesideACopyAndAnArranger) {
  const auto result = evaluate_transfer(options());
  ASSERT_EQ(result["pairs"].size(), 2u);
  for (const char* pair : {"folk_to_pop", "pop_to_folk"}) {
    EXPECT_EQ(result["pairs"][pair]["n"], 2);
    EXPECT_DOUBLE_EQ(result["baselines"]["copy"]["pairs"][pair]["transfer_strength"].get<double>(), 0);
    EXPECT_NEAR(result["baselines"]["copy"]["pairs"][pair]["melody_similarity"].get<double>(), 1, 1e-9);
    const double kept = result["baselines"]["reorchestrate"]["pairs"][pair]["melody_similarity"];
    EXPECT_GT(kept, 0.5);
    EXPECT_LE(std::abs(result["pairs"][pair]["transfer_strength"].get<double>()), 1);
  }
  for (const char* name : {"transfer_strength", "melody_similarity"}) {
    double sum = 0;
    for (const auto& pair : result["pairs"]) sum += pair[name].get<double>() / 2;
    EXPECT_NEAR(result["mean"][name].get<double>(), sum, 1e-12);
    EXPECT_GE(result["mean"][std::string(name) + "_se"].get<double>(), 0);
  }
}

TEST_F(EvaluateVae, SaysSoWhereNothingCanBeMeasured) {
  EvaluateOptions o = options();
  o.data = *made / "tiny";
  EXPECT_THROW(evaluate_vae(o), Error);
  EXPECT_THROW(evaluate_transfer(o), Error);
  o = options();
  o.split = "none";
  EXPECT_THROW(evaluate_vae(o), Error);
  EXPECT_THROW(evaluate_transfer(o), Error);
  o = options();
  o.folds = 2;
  EXPECT_THROW(evaluate_vae(o), Error);
  EXPECT_THROW(evaluate_transfer(o), Error);
  test::save_tiny_composer(*made / "transformer");
  o = options();
  o.model = (*made / "transformer").string();
  try {
    evaluate_vae(o);
    ADD_FAILURE() << "a Transformer is no autoencoder";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::unsupported);
  }
}

}  // namespace
}  // namespace euterpe
