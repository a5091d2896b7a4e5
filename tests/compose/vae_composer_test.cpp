#include "compose/vae_composer.hpp"

#include <gtest/gtest.h>

#include <functional>

#include <algorithm>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "score/bar_grid.hpp"
#include "train/grid_corpus.hpp"
#include "train/tiny_vae.hpp"
#include "train/vae.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kQuarter = 480;

/// A model that has learned for a moment; trained once for all tests.
class VaeComposing : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder("vae_composer");
    test::save_tiny_vae(folder_->path() / "tiny", {"folk", "pop"}, 60);
    model_ = new Model(find_model((folder_->path() / "tiny").string()));
  }
  static void TearDownTestSuite() {
    delete model_;
    delete folder_;
  }
  static Score piece() { return grid_score(test::tiny_grid_corpus({"folk", "pop"}).pieces[1].grid); }

  static TemporaryFolder* folder_;
  static Model* model_;
};
TemporaryFolder* VaeComposing::folder_ = nullptr;
Model* VaeComposing::model_ = nullptr;

TEST_F(VaeComposing, WritesBarsInTheMeterKeyAndTempoAsked) {
  const Composer composer(*model_);
  ComposeOptions wish;
  wish.style = "folk";
  wish.bars = 9;
  wish.meter = "3/4";
  wish.tempo = 90;
  wish.key = parse_key("E minor");
  wish.seed = 3;
  const Composition a = composer.compose(wish), b = composer.compose(wish);
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.provenance["bars"], 9);
  EXPECT_EQ(a.provenance["model"], "tiny");
  EXPECT_EQ(a.score.meter_at(0).numerator, 3);
  EXPECT_NEAR(a.score.tempos.front().bpm(), 90, 0.01);
  EXPECT_EQ(a.score.keys.front().fifths, 1);
  EXPECT_TRUE(a.score.keys.front().minor);
  EXPECT_LE(a.score.end_tick(), 9 * 3 * kQuarter);
  wish.seed = 4;
  EXPECT_NE(composer.compose(wish).score, a.score);
}

TEST_F(VaeComposing, VariantsAreWhatEachSeedGivesAlone) {
  const Composer composer(*model_);
  ComposeOptions wish;
  wish.style = "pop";
  wish.bars = 4;
  const std::vector<std::uint64_t> seeds{7, 8};
  const auto both = composer.compose_variants(wish, seeds);
  wish.seed = 8;
  EXPECT_EQ(both[1].score, composer.compose(wish).score);
}

TEST_F(VaeComposing, NothingVariedIsThePieceAsTheNetworkSaysItAndBothEndsOfABlendToo) {
  const Composer composer(*model_);
  const Score from = piece();
  Score to = from;
  for (Track& track : to.tracks)
    for (Note& n : track.notes) n.pitch = static_cast<std::uint8_t>(n.pitch + 2);
  ComposeOptions wish;
  wish.style = "pop";
  wish.vary = &from;
  wish.amount = 0;
  const Score said = composer.compose(wish).score;
  wish.seed = 9;
  EXPECT_EQ(composer.compose(wish).score, said);
  ComposeOptions blend;
  blend.style = "pop";
  blend.blend_from = &from;
  blend.blend_to = &to;
  blend.share = 0;
  EXPECT_EQ(composer.compose(blend).score, said);
  blend.share = 1;
  ComposeOptions other = wish;
  other.vary = &to;
  EXPECT_EQ(composer.compose(blend).score, composer.compose(other).score);
}

TEST_F(VaeComposing, ATransferHasTheSourcesBarsAndSaysHowMuchOfTheMelodyItKept) {
  const Composer composer(*model_);
  const Score source = piece();
  ComposeOptions wish;
  wish.style = "folk";
  wish.transfer = &source;
  const Composition out = composer.compose(wish);
  EXPECT_EQ(out.provenance["bars"], 8);
  EXPECT_GE(out.provenance["melody_kept"].get<double>(), 0);
  EXPECT_LE(out.provenance["melody_kept"].get<double>(), 1 + 1e-9);
}

TEST_F(VaeComposing, RefusesWhatItHasNotLearned) {
  const Composer composer(*model_);
  const Score given = piece();
  ComposeOptions wish;
  wish.style = "pop";
  wish.meter = "9/8";
  EXPECT_THROW(composer.compose(wish), Error);
  wish.meter.reset();
  wish.prompt = &given;
  EXPECT_THROW(composer.compose(wish), Error);
  wish.prompt = nullptr;
  Score drums;
  Note beat;
  beat.duration = 120;
  add_track(drums, "Drums", 0, 9).notes.push_back(beat);
  wish.vary = &drums;
  EXPECT_THROW(composer.compose(wish), Error);
}

TEST_F(VaeComposing, RefusesWishesThatWouldChangeNothing) {
  const Composer composer(*model_);
  const Score given = piece();
  const auto refused = [&](const std::function<void(ComposeOptions&)>& change) {
    ComposeOptions wish;
    wish.style = "pop";
    change(wish);
    try {
      composer.compose(wish);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage) << e.detail();
    }
  };
  refused([&](ComposeOptions& o) { o.vary = &given, o.sampling.temperature = 2; });
  refused([&](ComposeOptions& o) { o.transfer = &given, o.sampling.temperature = 2; });
  refused([&](ComposeOptions& o) { o.blend_from = o.blend_to = &given, o.density = 8; });
  refused([&](ComposeOptions& o) { o.blend_from = o.blend_to = &given, o.sampling.guidance = 2; });
}

TEST_F(VaeComposing, RefusesAPieceOfMoreBarsThanAreWrittenAtOnce) {
  const Composer composer(*model_);
  Score late = piece();
  Note far = late.tracks.front().notes.front();
  far.start = std::int64_t{600} * 4 * late.ticks_per_quarter;
  late.tracks.front().notes.push_back(far);
  ComposeOptions wish;
  wish.style = "pop";
  wish.vary = &late;
  EXPECT_THROW(composer.compose(wish), Error);
}

TEST_F(VaeComposing, RefusesWhatOnlyTokensHave) {
  const Composer composer(*model_);
  ComposeOptions wish;
  wish.style = "pop";
  wish.sampling.top_k = 5;
  EXPECT_THROW(composer.compose(wish), Error);
  wish.sampling = {};
  wish.sampling.temperature = -1;
  EXPECT_THROW(composer.compose(wish), Error);
}

TEST_F(VaeComposing, SaysAPieceWithASilentBarAgain) {
  const Composer composer(*model_);
  Score piece = VaeComposing::piece();
  for (Track& track : piece.tracks)
    std::erase_if(track.notes, [](const Note& n) { return n.start >= 4 * kQuarter && n.start < 8 * kQuarter; });
  ComposeOptions wish;
  wish.style = "pop";
  wish.vary = &piece;
  EXPECT_EQ(composer.compose(wish).provenance["bars"], 8);
}

TEST_F(VaeComposing, ACardThatDoesNotFitIsRefused) {
  Model broken = *model_;
  broken.card["habits"].erase("pop");
  EXPECT_THROW(VaeComposer{broken}, Error);
  broken = *model_;
  broken.card["options"]["codec"]["d_model"] = 64;
  EXPECT_THROW(VaeComposer{broken}, Error);
  broken = *model_;
  broken.card["options"]["prior"]["styles"] = 3;
  EXPECT_THROW(VaeComposer{broken}, Error);
  broken = *model_;
  broken.card["sampling"]["pop"]["candidates"] = 0;
  EXPECT_THROW(VaeComposer{broken}, Error);
  broken = *model_;
  broken.card["sampling"]["pop"]["until"] = 1.5;
  EXPECT_THROW(VaeComposer{broken}, Error);
  // A decoder that was told nothing in training cannot go the last part of the way.
  broken = *model_;
  broken.card["sampling"]["pop"]["until"] = 0.5;
  EXPECT_NO_THROW(VaeComposer{broken});
  broken.card["options"]["codec"]["told"] = 0;
  EXPECT_THROW(VaeComposer{broken}, Error);
  broken.card["options"]["codec"]["told"] = 7;
  EXPECT_THROW(VaeComposer{broken}, Error);
}

}  // namespace
}  // namespace euterpe
