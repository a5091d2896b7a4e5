#include "recommend/recommend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "recommend/fit_file.hpp"
#include "two_taste_catalog.hpp"

namespace euterpe {
namespace {

class RecommendService : public TwoTasteCatalog {};

TEST_F(RecommendService, NamesUnheardTracksOfTheListenersTasteWithThreeReasons) {
  const RecommendAnswer answer = Recommender(*catalog_).for_user("a0", {.count = 8});
  EXPECT_EQ(answer.model, "ease");
  EXPECT_EQ(answer.listens, 8u);
  ASSERT_EQ(answer.tracks.size(), 8u);
  std::set<std::string> heard;
  for (const Listen& listen : catalog_->listens_of("a0")) heard.insert(listen.track);
  for (const Recommendation& track : answer.tracks) {
    EXPECT_EQ(track.basis, "listens");
    EXPECT_EQ(taste_of(track.track), 0);
    EXPECT_FALSE(heard.contains(track.track));
    EXPECT_FALSE(track.title.empty());
    ASSERT_EQ(track.reasons.size(), 3u);
    for (const Reason& reason : track.reasons) EXPECT_TRUE(heard.contains(reason.track));
    EXPECT_GE(track.reasons[0].weight, track.reasons[1].weight);
    EXPECT_GE(track.reasons[1].weight, track.reasons[2].weight);
  }
}

TEST_F(RecommendService, LeavingOutTheNamedListenLowersTheScoreByExactlyItsWeight) {
  // "z" has heard three tracks; the fit stays as it is, so taking one listen away is the same question with a shorter
  // history. The oldest is taken, for the ages of the others then stay.
  const Recommender before(*catalog_);
  catalog_->add_listens(
      {{"y", id(0, 2), 2}, {"y", id(0, 3), 3}, {"z", id(0, 1), 1}, {"z", id(0, 2), 2}, {"z", id(0, 3), 3}});
  const RecommendOptions all{.count = 40, .include_heard = false, .reasons = 10};
  const RecommendAnswer with = before.for_user("z", all), without = before.for_user("y", all);
  int compared = 0;
  for (const Recommendation& track : with.tracks) {
    const auto same = std::find_if(without.tracks.begin(), without.tracks.end(), [&](const Recommendation& other) {
      return other.track == track.track && other.basis == "listens" && track.basis == "listens";
    });
    const auto reason =
        std::find_if(track.reasons.begin(), track.reasons.end(), [](const Reason& r) { return r.track == id(0, 1); });
    if (same == without.tracks.end() || reason == track.reasons.end()) continue;
    EXPECT_NEAR(track.score - same->score, reason->weight, 1e-6);
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

TEST_F(RecommendService, AListenStoredNowChangesTheNextAnswerWithoutANewFit) {
  const Recommender recommender(*catalog_);
  const std::string fit = sha256_file(folder_ / "models" / "recommend.fit");
  const std::string next = recommender.for_user("a0", {.count = 1}).tracks.at(0).track;
  catalog_->add_listens({{"a0", next, 100}});
  EXPECT_NE(recommender.for_user("a0", {.count = 1}).tracks.at(0).track, next);
  EXPECT_NE(Recommender(*catalog_).for_user("a0", {.count = 1}).tracks.at(0).track, next);
  EXPECT_EQ(sha256_file(folder_ / "models" / "recommend.fit"), fit);
}

TEST_F(RecommendService, KeptFitAnswersAsTheFreshOne) {
  const RecommendAnswer fresh = Recommender(*catalog_).for_user("a3"), kept = Recommender(*catalog_).for_user("a3");
  ASSERT_EQ(fresh.tracks.size(), kept.tracks.size());
  for (std::size_t i = 0; i < kept.tracks.size(); ++i) {
    EXPECT_EQ(fresh.tracks[i].track, kept.tracks[i].track);
    EXPECT_EQ(fresh.tracks[i].score, kept.tracks[i].score);
  }
}

TEST_F(RecommendService, ForgottenListenerLeavesTheFit) {
  { Recommender fit(*catalog_); }
  const auto path = folder_ / "models" / "recommend.fit";
  const std::size_t before = read_fit(path).listens.size();
  ASSERT_TRUE(catalog_->forget_user("a0"));
  catalog_->add_listens({{"b", id(1, 1), 1}, {"b", id(1, 2), 2}});  // the growth hides no loss
  { Recommender fit(*catalog_); }
  EXPECT_EQ(read_fit(path).listens.size(), before - 8 + 2);
}

TEST_F(RecommendService, ManyNewListensMakeANewFit) {
  { Recommender fit(*catalog_); }
  std::vector<Listen> listens;
  for (int i = 0; i < 60; ++i) listens.push_back({"c" + std::to_string(i), "foreign", i});
  catalog_->add_listens(listens);
  { Recommender fit(*catalog_); }
  const Fit fit = read_fit(folder_ / "models" / "recommend.fit");
  EXPECT_TRUE(std::binary_search(fit.items.begin(), fit.items.end(), "foreign"));
}

TEST_F(RecommendService, DamagedFitIsMadeAgain) {
  { Recommender fit(*catalog_); }
  const auto path = folder_ / "models" / "recommend.fit";
  const auto whole = read_file(path);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{10}, std::size_t{64}, whole.size() / 2, whole.size() - 1}) {
    write_file(path, std::span(whole).first(size));
    EXPECT_THROW(read_fit(path), Error) << size;
    EXPECT_EQ(Recommender(*catalog_).for_user("a0").tracks.size(), 10u);
    EXPECT_EQ(read_file(path), whole);
  }
}

TEST_F(RecommendService, LyingSizesInTheFitAreRefused) {
  { Recommender fit(*catalog_); }
  const auto path = folder_ / "models" / "recommend.fit";
  const auto whole = read_file(path);
  for (const std::size_t at : {8u, 12u, 16u, 24u, 32u, 40u}) {  // version, kind, items, listens, entries, text
    auto lying = whole;
    lying[at] = static_cast<std::uint8_t>(lying[at] + 1);
    if (at == 32) lying[12] = 1;
    write_file(path, lying);
    EXPECT_THROW(read_fit(path), Error) << at;
    auto huge = whole;
    huge[at + 3] = 0xff;
    if (at == 32) huge[12] = 1;
    write_file(path, huge);
    EXPECT_THROW(read_fit(path), Error) << at;
  }
}

TEST_F(RecommendService, TracksThatMayNotBeRecommendedAreLeftOutAndCounted) {
  const Recommender recommender(*catalog_);
  const std::string first = recommender.for_user("a0").tracks.at(0).track;
  RightsRecord rights;
  rights.may_recommend = false;
  catalog_->set_rights(first, rights);
  for (const RecommendAnswer& answer :
       {recommender.for_user("a0"), recommender.popular({.count = 40}), recommender.like(id(0, 1), {.count = 40})}) {
    EXPECT_GE(answer.left_out_by_rights, 1u);
    for (const Recommendation& track : answer.tracks) EXPECT_NE(track.track, first);
  }
}

TEST_F(RecommendService, HeardTracksComeBackOnlyWhenAsked) {
  const Recommender recommender(*catalog_);
  std::set<std::string> heard;
  for (const Listen& listen : catalog_->listens_of("a0")) heard.insert(listen.track);
  const auto again = recommender.for_user("a0", {.count = 40, .include_heard = true});
  const auto count =
      std::count_if(again.tracks.begin(), again.tracks.end(), [&](const auto& t) { return heard.contains(t.track); });
  EXPECT_EQ(static_cast<std::size_t>(count), heard.size());
  EXPECT_EQ(again.tracks.size(), 40u);
  for (const Recommendation& track : again.tracks)
    for (const Reason& reason : track.reasons)
      EXPECT_NE(reason.track, track.track) << "a track is no reason for itself";
}

TEST_F(RecommendService, UnknownListenerGetsThePopularAndIsTold) {
  const RecommendAnswer answer = Recommender(*catalog_).for_user("nobody", {.count = 5});
  ASSERT_EQ(answer.tracks.size(), 5u);
  EXPECT_EQ(answer.tracks[0].basis, "popularity");
  EXPECT_GE(answer.tracks[0].score, answer.tracks[4].score);
  EXPECT_NE(answer.note.find("'nobody'"), std::string::npos);
  EXPECT_NE(answer.note.find("--like"), std::string::npos);
}

TEST_F(RecommendService, LikedTrackBringsTracksThatSoundAlike) {
  const Recommender recommender(*catalog_);
  const std::string liked = id(1, 4);
  const RecommendAnswer answer = recommender.like(liked.substr(0, 16), {.count = 10});
  ASSERT_EQ(answer.tracks.size(), 10u);
  for (const Recommendation& track : answer.tracks) {
    EXPECT_EQ(track.basis, "content");
    EXPECT_EQ(taste_of(track.track), 1);
    EXPECT_NE(track.track, liked);
    ASSERT_EQ(track.reasons.size(), 1u);
    EXPECT_EQ(track.reasons[0].track, liked);
  }
  EXPECT_THROW(recommender.like("no such track"), Error);
}

TEST_F(RecommendService, ListenerOfNewTracksAloneGetsWhatSoundsAlike) {
  const Recommender fitted(*catalog_);
  Random random(77);
  add_track(id(0, 20), 0, random);
  catalog_->add_listens({{"new", id(0, 20), 1}});
  const RecommendAnswer answer = Recommender(*catalog_).for_user("new", {.count = 10});
  ASSERT_EQ(answer.tracks.size(), 10u);
  for (const Recommendation& track : answer.tracks) {
    EXPECT_EQ(track.basis, "content");
    EXPECT_EQ(taste_of(track.track), 0);
  }
}

TEST_F(RecommendService, ForeignIdsOfALogCountAndAreNamedByTheirId) {
  std::vector<Listen> listens;
  for (int user = 0; user < 60; user += 2) listens.push_back({"a" + std::to_string(user), "artist 17", 50});
  catalog_->add_listens(listens);
  catalog_->add_listens({{"z", id(0, 1), 1}, {"z", id(0, 2), 2}, {"f", "artist 17", 1}});
  const Recommender recommender(*catalog_);
  const RecommendAnswer answer = recommender.for_user("z", {.count = 5});
  EXPECT_TRUE(std::any_of(answer.tracks.begin(), answer.tracks.end(),
                          [](const auto& t) { return t.track == "artist 17" && t.title.empty(); }));
  const RecommendAnswer from_foreign = recommender.for_user("f", {.count = 5});
  ASSERT_EQ(from_foreign.tracks.size(), 5u);
  for (const Recommendation& track : from_foreign.tracks) {
    EXPECT_EQ(taste_of(track.track), 0);
    EXPECT_EQ(track.reasons.at(0).track, "artist 17");
  }
  EXPECT_EQ(recommender.like("artist 17", {.count = 3}).tracks.at(0).basis, "listens");
}

TEST_F(RecommendService, ListensOfOneTimeByTheThousandAreAnswered) {
  std::vector<Listen> listens;
  for (int i = 0; i < 100000; ++i) listens.push_back({"robot", id(i % 2, i / 2 % 20), i});
  catalog_->add_listens(listens);
  const Recommender recommender(*catalog_);
  const RecommendAnswer answer = recommender.for_user("robot");
  EXPECT_EQ(answer.listens, 100000u);
  EXPECT_TRUE(answer.tracks.empty());
  EXPECT_NE(answer.note.find("heard already"), std::string::npos);
}

TEST(RecommendEmpty, CatalogWithoutListensSaysWhatToDo) {
  const TemporaryFolder folder;
  {
    const auto catalog = open_catalog(folder.path());
    try {
      Recommender(*catalog).for_user("anna");
      FAIL() << "something was recommended from nothing";
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), Category::not_found);
      EXPECT_NE(error.hint().find("ingest --listens"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace euterpe
