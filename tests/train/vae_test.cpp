#include "train/vae.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "nn/style_habits.hpp"
#include "train/tiny_vae.hpp"

namespace euterpe {
namespace {

/// Pieces of eight bars that repeat one of four patterns, a step higher in every other piece.
GridCorpus small_corpus() {
  GridCorpus corpus;
  corpus.styles = {"folk"};
  corpus.shard.hash = "made";
  for (int p = 0; p < 24; ++p) {
    GridPiece piece{"made/" + std::to_string(p), "folk", p % 6 == 0 ? "valid" : "train", {}};
    for (int b = 0; b < 8; ++b) {
      GridBar bar;
      const int up = 2 * (p % 2) + 5 * (b % 4);
      for (int i = 0; i < 4; ++i) bar.notes.push_back({4 * i, kGridMelody, 60 + up + (i * (b % 4)) % 5, 4});
      bar.notes.push_back({0, kGridAccompaniment, 43 + up, 16});
      sort_grid_bar(bar);
      piece.grid.bars.push_back(bar);
    }
    corpus.pieces.push_back(piece);
  }
  return corpus;
}

VaeTraining small_training(const std::filesystem::path& run) {
  VaeTraining t = test::tiny_vae_training(run);
  t.network.decoder_layers = 2;
  t.prior.flow_width = 64;
  t.steps = 250;
  t.notes = 128;
  t.beta = 0.02;
  t.prior_steps = 60;
  t.prior_pieces = 8;
  t.prior_bars = 8;
  t.prior_learning_rate = 1e-2;
  t.finish_steps = 120;
  t.finish_notes = 256;
  t.finish_learning_rate = 5e-3;
  return t;
}

double f_measure(const std::vector<GridBar>& a, const std::vector<GridBar>& b) {
  double both = 0, all = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::set<std::pair<int, int>> x, y;
    for (const BarNote& n : a[i].notes) x.insert({n.onset, n.pitch});
    for (const BarNote& n : b[i].notes) y.insert({n.onset, n.pitch});
    for (const auto& n : x) both += 2.0 * static_cast<double>(y.count(n));
    all += static_cast<double>(x.size() + y.size());
  }
  return both / all;
}

TEST(TrainVae, LearnsToSayBarsAgainAndToComposeOthersLikeThem) {
  const TemporaryFolder folder("vae");
  const GridCorpus corpus = small_corpus();
  const VaeTraining options = small_training(folder.path());
  const VaeReport report = train_vae(corpus, options);
  const Vae codec(report.network, report.weights);
  const std::vector<GridBar>& bars = corpus.pieces[0].grid.bars;  // held out
  const BarLatents latents = codec.encode(bars);
  ASSERT_EQ(latents.bars(), bars.size());
  std::vector<int> meters(bars.size(), 0);
  Random random(1);
  EXPECT_GT(f_measure(bars, codec.decode(latents.mean, meters, {}, random)), 0.8);
  double kl = 0;
  for (const double k : latents.kl(0)) {
    EXPECT_GE(k, -1e-6);
    kl += k;
  }
  EXPECT_GT(kl, 1);

  // A bar's latents do not depend on the bars beside it.
  const BarLatents alone = codec.encode(std::span(bars).subspan(3, 1));
  for (std::size_t k = 0; k < alone.mean.size(); ++k) EXPECT_NEAR(alone.mean[k], latents.bar(3)[k], 1e-4);

  const LatentPrior prior(report.prior, report.weights);
  LatentWish wish;
  wish.bars.resize(4);
  wish.seed = 5;
  LatentWish other = wish;
  other.seed = 6;
  other.bars.resize(6);
  const std::vector<LatentWish> both{wish, other};
  const auto drawn = prior.draw(both, {});
  ASSERT_EQ(drawn[0].size(), 4u * 16);
  ASSERT_EQ(drawn[1].size(), 6u * 16);
  const auto again = prior.draw({&both[1], 1}, {});
  for (std::size_t k = 0; k < again[0].size(); ++k) EXPECT_NEAR(again[0][k], drawn[1][k], 1e-3);
  // Latents that are noise still say little of a bar; what is told beside them says what such bars are like.
  const LatentDrawing nothing{.until = 0};
  const auto untold = prior.draw({&wish, 1}, nothing, [&](const DrawnLatents& now) {
    const auto bar = std::span(bars).subspan(now.bar, 1);
    EXPECT_EQ(now.told.size(), static_cast<std::size_t>(told_values(report.prior)));
    EXPECT_LT(codec.nats(bar, now.z, now.told)[0], 0.5 * codec.nats(bar, now.z)[0]);
    return codec.encode(bar).mean;
  });
  for (std::size_t k = 0; k < untold[0].size(); ++k) EXPECT_NEAR(untold[0][k], latents.mean[k], 1e-4);
  // What is varied by nothing stays.
  wish.near.assign(latents.mean.begin(), latents.mean.begin() + 4 * 16);
  wish.amount = 0;
  const auto same = prior.draw({&wish, 1}, {});
  for (std::size_t k = 0; k < wish.near.size(); ++k) EXPECT_NEAR(same[0][k], wish.near[k], 1e-3);
}

TEST(TrainVae, AnInterruptedRunGoesOnToTheSameWeights) {
  const TemporaryFolder whole("vae_whole"), parts("vae_parts");
  const GridCorpus corpus = small_corpus();
  VaeTraining options = small_training(whole.path());
  options.steps = 110;
  options.prior_steps = 20;
  options.finish_steps = 20;
  const VaeReport once = train_vae(corpus, options);
  options.run = parts.path();
  options.seconds = 1e-9;  // each stage stops after its first step …
  train_vae(corpus, options);
  options.seconds = 0;  // … and goes on from there
  const VaeReport resumed = train_vae(corpus, options);
  for (const auto& [name, tensor] : once.weights.tensors)
    EXPECT_EQ(tensor.bytes, resumed.weights.at(name).bytes) << name;
}

TEST(StyleHabits, ClassesAreEighthsOfTheBarsAndSurviveTheCard) {
  const GridCorpus corpus = small_corpus();
  const StyleHabits habits = corpus_habits(corpus, "folk");
  EXPECT_DOUBLE_EQ(habits.meters[0], 1);
  EXPECT_EQ(habits.bar_class(kBarHeight, 0), 0);
  EXPECT_EQ(habits.bar_class(kBarHeight, 127), kBarClasses - 1);
  for (int c = 1; c < kBarClasses; ++c)
    EXPECT_LE(habits.middles[kBarHeight][static_cast<std::size_t>(c - 1)],
              habits.middles[kBarHeight][static_cast<std::size_t>(c)]);
  const StyleHabits read = read_style_habits(to_json(habits));
  EXPECT_EQ(to_json(read), to_json(habits));
  nlohmann::json broken = to_json(habits);
  broken["density"]["edges"].erase(0);
  EXPECT_THROW(read_style_habits(broken), Error);
}

}  // namespace
}  // namespace euterpe
