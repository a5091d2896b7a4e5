#include "compose/chorale.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "compose/tiny_chorales.hpp"
#include "nn/voice_contexts.hpp"
#include "score/voice_leading.hpp"
#include "train/keyed_model.hpp"

namespace euterpe {
namespace {

using test::chords;

const KeyedModel& small_model() {
  static const KeyedModel model = KeyedModel::load(voice_domain(), test::tiny_chorales());
  return model;
}

TEST(CommonKeys, PiecesAreMovedTogether) {
  std::vector<std::array<double, 12>> counts;
  for (int up = 0; up < 12; ++up) {
    auto& c = counts.emplace_back();
    for (const int pitch : {0, 0, 2, 4, 4, 5, 7, 7, 9, 11}) c[static_cast<std::size_t>((pitch + up) % 12)] += 1;
  }
  const auto keys = common_keys(counts);
  for (int up = 0; up < 12; ++up) EXPECT_EQ((keys[static_cast<std::size_t>(up)] + 12) % 12, up);
}

TEST(KeyedModel, KnowsItsMusicInAnyKey) {
  const double at_home = small_model().nats(voice_row(chords(99, 0)));
  EXPECT_LT(at_home / (4 * 96), 0.15);
  for (const int up : {-3, 4})
    EXPECT_NEAR(small_model().nats(voice_row(chords(99, up))), at_home, 12) << "beyond what the key itself costs";
  std::vector<double> by_choice;
  const double nats = small_model().nats(voice_row(chords(7, 1)), &by_choice);
  EXPECT_NEAR(std::accumulate(by_choice.begin(), by_choice.end(), 0.0), nats, 1e-9);
  EXPECT_EQ(by_choice.size(), 4u * 96u);
}

/// Σ over the whole of a sixteenth's voices, soprano and alto here, is 1: nothing is counted twice or left out.
TEST(KeyedModel, VoicesTogetherHaveProbabilityOne) {
  KeyedWriter start(small_model(), 0);
  for (const std::uint8_t pitch : voice_row(chords(3, 0, 4))) start.choose(voice_domain().symbol(pitch, 0));
  std::vector<float> p(kVoiceSymbols), q(kVoiceSymbols);
  start.distribution(p);
  double sum = 0;
  for (int s = 0; s < kVoiceSymbols; ++s) {
    KeyedWriter next = start;
    next.choose(s);
    next.distribution(q);
    for (const float alto : q) sum += p[static_cast<std::size_t>(s)] * alto;
  }
  EXPECT_NEAR(sum, 1, 1e-4);
}

TEST(KeyedModel, RefusesAModelOfFrames) {
  const TemporaryFolder folder;
  save_model(folder.path() / "x", Safetensors{},
             {{"name", "x"},
              {"task", "compose"},
              {"network", "context-mixing"},
              {"tokenizer", "frames"},
              {"commercial", true},
              {"data", nlohmann::json::array()}});
  EXPECT_THROW(KeyedModel::load(voice_domain(), find_model((folder.path() / "x").string())), Error);
}

TEST(Chorale, IsSungInRangeAndEndsOnTheTonic) {
  ChoraleOptions options;
  options.bars = 6;
  options.key = KeyEstimate{2, false, 1};
  options.seed = 5;
  const Chorale chorale = write_chorale(small_model(), options);
  ASSERT_LE(chorale.grid.steps.size(), 96u);  // the first bar may be an upbeat
  ASSERT_GT(chorale.grid.steps.size(), 80u);
  EXPECT_EQ(chorale.grid.steps.size() % 4, 0u);
  const VoiceLeading v = voice_leading(chorale.grid);
  EXPECT_EQ(v.in_range, v.notes);
  EXPECT_GT(v.notes, 12u);
  EXPECT_EQ(chorale.grid.steps.back()[3] % 12, 2);
  for (std::size_t back = 2; back <= 8; ++back)
    EXPECT_EQ(chorale.grid.steps[chorale.grid.steps.size() - back], chorale.grid.steps.back());
  EXPECT_EQ(write_chorale(small_model(), options).grid, chorale.grid);
  options.seed = 6;
  EXPECT_NE(write_chorale(small_model(), options).grid, chorale.grid);
}

TEST(Chorale, HarmonizesATuneAsItWasHarmonized) {
  const VoiceGrid real = chords(41, 2);
  std::vector<std::int8_t> soprano;
  for (const VoicePitches& step : real.steps) soprano.push_back(step[0]);
  const Chorale chorale = harmonize(small_model(), soprano, {});
  ASSERT_EQ(chorale.grid.steps.size(), real.steps.size());
  std::size_t same = 0;
  for (std::size_t t = 0; t < soprano.size(); ++t) {
    EXPECT_EQ(chorale.grid.steps[t][0], soprano[t]);
    same += chorale.grid.steps[t] == real.steps[t];
  }
  EXPECT_GT(same, soprano.size() / 3);  // a C may stand on C or F
}

TEST(Chorale, AHarmonizedTuneClosesOnTheTonic) {
  int closed = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const VoiceGrid real = chords(41 + seed, 2, 12);  // ends on D, which the chord of G holds as well
    std::vector<std::int8_t> soprano;
    for (const VoicePitches& step : real.steps) soprano.push_back(step[0]);
    ChoraleOptions options;
    options.seed = seed;
    closed += harmonize(small_model(), soprano, options).grid.steps.back()[3] % 12 == 2;
  }
  EXPECT_GE(closed, 11);
}

TEST(Chorale, RefusesWhatItCannotSing) {
  EXPECT_THROW(harmonize(small_model(), {}, {}), Error);
  const std::vector<std::int8_t> high(16, 100), endless(5000, 70);
  EXPECT_THROW(harmonize(small_model(), high, {}), Error);
  EXPECT_THROW(harmonize(small_model(), endless, {}), Error);
  ChoraleOptions options;
  options.bars = 0;
  EXPECT_THROW(write_chorale(small_model(), options), Error);
  options.bars = 4;
  options.sampling.temperature = 0;
  EXPECT_THROW(write_chorale(small_model(), options), Error);
}

}  // namespace
}  // namespace euterpe
