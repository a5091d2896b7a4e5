#include "recommend/sequence_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "recommend/kept_fit.hpp"
#include "recommend/recommend.hpp"
#include "two_taste_catalog.hpp"

namespace euterpe {
namespace {

class KeptSequence : public TwoTasteCatalog {
 protected:
  KeptSequence() { set_threads(1); }
  static SequenceTraining small() {
    SequenceTraining o;
    o.most_epochs = 40;
    o.width = 32;
    o.layers = 1;
    o.dropout = 0.1;
    return o;
  }
  std::optional<SequenceFit> kept() { return kept_sequence(*catalog_, listen_hashes(catalog_->listens())); }
  std::filesystem::path weights() { return folder_ / "models" / "sasrec" / "model.safetensors"; }
};

TEST_F(KeptSequence, IsLearnedFromTheListensAndAskedBesideTheItemToItemFit) {
  EXPECT_EQ(Recommender(*catalog_).for_user("a0").model, "ease");
  const SequenceReport report = train_sequence(*catalog_, small());
  EXPECT_EQ(report.items, 40u);
  EXPECT_EQ(report.placed, 40u);
  EXPECT_GE(report.ndcg, std::max(report.linear_ndcg, report.model_ndcg));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "models" / "sasrec.run"));

  const auto fit = kept();
  ASSERT_TRUE(fit.has_value());
  EXPECT_EQ(fit->items.size(), 40u);
  const RecommendAnswer answer = Recommender(*catalog_).for_user("a0", {.count = 8});
  EXPECT_EQ(answer.model, "ease+sasrec");
  ASSERT_EQ(answer.tracks.size(), 8u);
  for (const Recommendation& track : answer.tracks) {
    EXPECT_EQ(taste_of(track.track), 0);
    ASSERT_FALSE(track.reasons.empty());
    EXPECT_EQ(taste_of(track.reasons[0].track), 0);
  }
}

TEST_F(KeptSequence, PlacesATrackThatNobodyHasHeardByItsSound) {
  train_sequence(*catalog_, small());
  Random random(5);
  for (int taste = 0; taste < 2; ++taste) add_track(sha256("new " + std::to_string(taste)), taste, random);
  const RecommendAnswer answer = Recommender(*catalog_).for_user("a1", {.count = 100});  // of taste 1
  const auto place = [&](int taste) {
    return std::find_if(answer.tracks.begin(), answer.tracks.end(), [&](const Recommendation& track) {
      return track.track == sha256("new " + std::to_string(taste)) && track.basis == "listens";
    });
  };
  ASSERT_NE(place(1), answer.tracks.end());
  EXPECT_LT(place(1), place(0));
  EXPECT_LT(place(1) - answer.tracks.begin(), 14);  // 20 tracks of the taste, 8 of them heard, and itself
}

TEST_F(KeptSequence, IsNotAskedOnceAListenThatItLearnedFromIsGone) {
  train_sequence(*catalog_, small());
  catalog_->add_listens({{"a0", id(0, 0), 50}, {"new", id(0, 1), 51}});
  EXPECT_TRUE(kept().has_value());  // what came later does not matter
  auto hashes = listen_hashes(catalog_->listens());
  hashes.erase(hashes.begin() + 3);
  EXPECT_FALSE(kept_sequence(*catalog_, hashes).has_value());
  ASSERT_TRUE(catalog_->forget_user("a3"));
  EXPECT_FALSE(std::filesystem::exists(weights()));
  EXPECT_EQ(Recommender(*catalog_).for_user("a0").model, "ease");
}

TEST_F(KeptSequence, DamagedIsPassedOver) {
  train_sequence(*catalog_, small());
  {
    std::fstream file(weights(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2000);
    file.put('\x55');
  }
  EXPECT_FALSE(kept().has_value());
  EXPECT_EQ(Recommender(*catalog_).for_user("a0").model, "ease");
}

TEST_F(KeptSequence, NoContentOfTracksThatMayNotBeLearnedFrom) {
  for (int k = 0; k < 20; ++k)
    catalog_->set_rights(id(1, k), {.owner = "", .licence = "", .share = 1, .may_train = false});
  EXPECT_EQ(train_sequence(*catalog_, small()).placed, 20u);
}

TEST_F(KeptSequence, AFailedTrainingLeavesTheLastGoodModel) {
  train_sequence(*catalog_, small());
  const std::string before = sha256_file(weights());
  SequenceTraining other = small();
  other.loss = "nonsense";
  EXPECT_THROW(train_sequence(*catalog_, other), Error);
  EXPECT_EQ(sha256_file(weights()), before);
  EXPECT_TRUE(kept().has_value());
}

}  // namespace
}  // namespace euterpe
