#include "recommend/promote.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "recommend/affinity.hpp"
#include "recommend/kept_fit.hpp"
#include "two_taste_catalog.hpp"

namespace euterpe {
namespace {

class Promote : public TwoTasteCatalog {
 protected:
  /// Listeners "a0", "a2" … are of taste 0.
  static int taste_of_user(const std::string& user) { return std::stoi(user.substr(1)) % 2; }
  Category category_of(const std::string& track, const PromoteOptions& options = {}) {
    try {
      promote(*catalog_, track, options);
    } catch (const Error& error) {
      EXPECT_FALSE(error.hint().empty()) << error.what();
      return error.category();
    }
    return Category::interrupted;
  }
};

TEST_F(Promote, AudienceIsOfTheTracksTasteAndHasNotHeardIt) {
  const PromoteAnswer answer = promote(*catalog_, id(0, 3), {.impressions = 12});
  EXPECT_EQ(answer.basis, "listens");
  ASSERT_EQ(answer.audience.size(), 12u);
  EXPECT_EQ(answer.candidates + answer.already_listeners, 60u);
  for (const AudienceMember& member : answer.audience) {
    EXPECT_EQ(taste_of_user(member.user), 0);
    for (const Listen& listen : catalog_->listens_of(member.user)) EXPECT_NE(listen.track, answer.track);
    ASSERT_EQ(member.reasons.size(), 3u);
  }
  EXPECT_TRUE(std::is_sorted(answer.audience.begin(), answer.audience.end(),
                             [](const auto& a, const auto& b) { return a.affinity > b.affinity; }));
  EXPECT_GT(promote(*catalog_, id(0, 3), {.impressions = 60, .include_listeners = true}).audience.size(),
            answer.candidates);
}

TEST_F(Promote, ReasonsAreTheExactPartsOfTheAffinity) {
  const PromoteAnswer answer = promote(*catalog_, id(0, 3), {.impressions = 5, .reasons = 1000});
  const Fit fit = kept_fit(*catalog_, catalog_->listens());
  for (const AudienceMember& member : answer.audience) {
    double negative = 0, positive = 0, share = 0;
    std::vector<std::string> tracks;
    for (const Listen& listen : catalog_->listens_of(member.user)) tracks.push_back(listen.track);
    for (const WeighedItem& heard : weigh(numbers_of(tracks, fit.items), fit.recency)) {
      const auto item = std::lower_bound(fit.items.begin(), fit.items.end(), answer.track) - fit.items.begin();
      const double part = static_cast<double>(heard.weight * fit.weights().at(heard.item, static_cast<int>(item)));
      (part > 0 ? positive : negative) += part;
    }
    double named = 0;
    for (const Reason& reason : member.reasons) {
      named += reason.weight;
      share += reason.share;
    }
    EXPECT_NEAR(member.affinity, positive + negative, 1e-6);
    EXPECT_NEAR(named, positive, 1e-6);
    EXPECT_NEAR(share, 1, 1e-9);
  }
}

TEST_F(Promote, ReachIsTheSumOfTheProbabilitiesWithinItsInterval) {
  const PromoteAnswer answer = promote(*catalog_, id(1, 3), {.impressions = 15});
  ASSERT_TRUE(answer.reach.has_value()) << answer.note;
  EXPECT_EQ(answer.calibrated_on, "held-out listens");
  double sum = 0;
  for (const AudienceMember& member : answer.audience) sum += member.probability.value();
  EXPECT_NEAR(answer.reach->expected, sum, 1e-9);
  EXPECT_LE(answer.reach->low, sum);
  EXPECT_GE(answer.reach->high, sum);
}

TEST_F(Promote, ResponsesToWhatWasShownReplaceTheHeldOutListens) {
  PromoteOptions options{.impressions = 10};
  for (int user = 0; user < 60; ++user)
    for (int k = 4; k < 14; ++k)  // everybody listens to their own taste, nobody to the other
      options.responses.push_back({"a" + std::to_string(user), id(0, k), 0.5, user % 2 ? 0. : 1., {}, {}, {}, {}, {}});
  options.responses.push_back({"stranger", id(0, 5), 0.5, 1, {}, {}, {}, {}, {}});
  const PromoteAnswer answer = promote(*catalog_, id(0, 3), options);
  ASSERT_TRUE(answer.reach.has_value()) << answer.note;
  EXPECT_EQ(answer.calibrated_on, "responses");
  EXPECT_GT(answer.reach->expected, 8);
}

TEST_F(Promote, NewTrackGoesToTheListenersOfItsArtistElseOfWhatSoundsAlike) {
  Random random(5);
  add_track(id(0, 20), 0, random);
  const PromoteAnswer content = promote(*catalog_, id(0, 20), {.impressions = 12});
  EXPECT_EQ(content.basis, "content");
  EXPECT_EQ(content.already_listeners, 0u);
  for (const AudienceMember& member : content.audience) EXPECT_EQ(taste_of_user(member.user), 0);

  // Sounds like taste 0, but the artist is known from taste 1.
  add_track(sha256("known"), 1, random, "The Ones");
  add_track(sha256("fresh"), 0, random, "The Ones");
  std::vector<Listen> listens;
  for (int user = 1; user < 40; user += 2) listens.push_back({"a" + std::to_string(user), sha256("known"), 50});
  catalog_->add_listens(listens);
  const PromoteAnswer artist = promote(*catalog_, sha256("fresh"), {.impressions = 12});
  EXPECT_EQ(artist.basis, "artist");
  for (const AudienceMember& member : artist.audience) EXPECT_EQ(taste_of_user(member.user), 1);
  ASSERT_FALSE(artist.beside.empty());
  EXPECT_TRUE(std::any_of(artist.beside.begin(), artist.beside.end(),
                          [](const Recommendation& track) { return track.track == sha256("known"); }));
}

TEST_F(Promote, LedgerSumsToZeroAndTheTrackAloneGains) {
  const PromoteAnswer answer = promote(*catalog_, id(0, 3), {.impressions = 20, .list_length = 5, .position = 2});
  EXPECT_NEAR(ledger_sum(answer.tracks), 0, 1e-9);
  EXPECT_NEAR(ledger_sum(answer.artists), 0, 1e-9);
  EXPECT_EQ(answer.tracks.at(0).name, answer.track);
  EXPECT_GT(answer.tracks.at(0).change(), 0);
  double lists = 0;
  for (const ExposureChange& row : answer.tracks) lists += row.before;
  double slots = 0;
  for (std::size_t rank = 0; rank < 5; ++rank) slots += 20 * exposure_at(rank);
  EXPECT_NEAR(lists, slots, 1e-9) << "twenty lists of five";
}

TEST_F(Promote, NeighboursLeaveOutWhatMayNotBeRecommended) {
  const PromoteAnswer before = promote(*catalog_, id(0, 3), {.impressions = 5, .count = 5});
  ASSERT_EQ(before.beside.size(), 5u);
  for (const Recommendation& track : before.beside) EXPECT_EQ(taste_of(track.track), 0);
  catalog_->set_rights(before.beside[0].track, {.may_recommend = false});
  for (const Recommendation& track : promote(*catalog_, id(0, 3), {.impressions = 5, .count = 5}).beside)
    EXPECT_NE(track.track, before.beside[0].track);
}

TEST_F(Promote, SaysWhyItCannot) {
  EXPECT_EQ(category_of("no such track"), Category::not_found);
  catalog_->set_rights(id(0, 3), {.may_recommend = false});
  EXPECT_EQ(category_of(id(0, 3)), Category::refused);
  std::vector<Listen> listens;
  for (int user = 0; user < 60; ++user) listens.push_back({"a" + std::to_string(user), id(0, 4), 60});
  catalog_->add_listens(listens);
  EXPECT_EQ(category_of(id(0, 4)), Category::not_found) << "everybody has heard it";
  EXPECT_EQ(category_of(id(0, 4), {.include_listeners = true}), Category::interrupted) << "no error";
  TrackRecord silent;
  silent.id = sha256("silent");
  silent.kind = "score";
  catalog_->put_track(silent, {});
  EXPECT_EQ(category_of(silent.id), Category::not_found) << "nothing links it to anybody";
}

TEST(PromoteEmpty, CatalogWithoutListensSaysWhatToDo) {
  const TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  try {
    promote(*catalog, "anything");
    FAIL() << "something was promoted to nobody";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), Category::not_found);
    EXPECT_NE(error.hint().find("ingest --listens"), std::string::npos);
  }
}

}  // namespace
}  // namespace euterpe
