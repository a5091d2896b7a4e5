#include "recommend/models.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "recommend/blend.hpp"
#include "recommend/ranking.hpp"

namespace euterpe {
namespace {

/// Two tastes of 20 items each, equally popular on the whole; every listener hears 8 distinct items of one taste alone.
std::vector<History> two_tastes(int listeners, std::uint64_t seed) {
  Random random(seed);
  std::vector<History> histories;
  for (int user = 0; user < listeners; ++user) {
    History items(20);
    std::iota(items.begin(), items.end(), user % 2 * 20);
    random.shuffle(items);
    items.resize(8);
    histories.push_back(items);
  }
  return histories;
}

Settings first_settings(const ModelRow& row) {
  Settings settings;
  for (const auto& [key, values] : row.grid) settings[key] = values.front();
  return settings;
}

std::vector<float> scores_of(const char* name, const std::vector<History>& histories, int items, const History& asked,
                             const Settings& changes = {}) {
  const ModelRow& row = recommend_model(name);
  Settings settings = first_settings(row);
  for (const auto& [key, value] : changes) settings[key] = value;
  const auto model = row.make();
  model->configure(settings);
  model->fit(histories, items);
  std::vector<float> scores(static_cast<std::size_t>(items));
  model->score(asked, scores);
  return scores;
}

TEST(Models, EveryPersonalModelBeatsPopularityWhereTastesDiffer) {
  const HeldOut held_out = hold_out(two_tastes(200, 5), 1);
  const auto hit_rate_of = [&](const char* name) {
    const ModelRow& row = recommend_model(name);
    const auto model = row.make();
    model->configure(first_settings(row));
    model->fit(held_out.fit, 40);
    return measure(*model, held_out.queries, 40).hr10;
  };
  const double popularity = hit_rate_of("popularity");
  for (const char* name : {"item-knn", "ease", "ease-sequence", "sasrec"})
    EXPECT_GT(hit_rate_of(name), popularity + 0.2) << name;
}

TEST(Models, EaseIsTheClosedFormOnAHandComputedExample) {
  // Items 0 and 1 heard by 3 listeners together, item 2 by one more: G = [[3,3,0],[3,3,0],[0,0,1]], lambda 1:
  // P = inverse of [[4,3],[3,4]] ⊕ [2] = [[4,-3],[-3,4]]/7 ⊕ [1/2], so B01 = −P01/P11 = 3/4.
  EaseSettings settings;
  settings.lambda = 1;
  settings.popularity_exponent = 0;
  const ItemWeights weights = EaseFitter({{0, 1}, {0, 1}, {1, 0}, {2}}, 3).fit(settings);
  EXPECT_NEAR(weights.view().at(0, 1), 0.75, 1e-6);
  EXPECT_NEAR(weights.view().at(1, 0), 0.75, 1e-6);
  EXPECT_EQ(weights.view().at(0, 0), 0);
  EXPECT_NEAR(weights.view().at(0, 2), 0, 1e-6);
}

TEST(Models, NegativePopularityExponentDividesByListeners) {
  EaseSettings settings;
  settings.lambda = 1;
  settings.popularity_exponent = -1;
  const ItemWeights weights = EaseFitter({{0, 1}, {0, 1}, {1, 0}, {2}}, 3).fit(settings);
  EXPECT_NEAR(weights.view().at(0, 1), 0.75 / 3, 1e-6);
}

TEST(Models, TransitionsFollowTheOrderInWhichItemsWereHeard) {
  std::vector<History> histories(50, History{0, 1, 2});
  EaseSettings settings;
  settings.popularity_exponent = 0;
  settings.lambda = 1e6;  // the part without order is next to nothing
  settings.transition = 1;
  settings.transition_lambda = 1;
  const ItemWeights weights = EaseFitter(histories, 3).fit(settings);
  EXPECT_GT(weights.view().at(0, 1), 0.5);
  EXPECT_LT(weights.view().at(1, 0), 0.1);
  EXPECT_GT(weights.view().at(1, 2), weights.view().at(2, 1) + 0.5);
}

TEST(Models, TransitionsSolveTheRegressionThatTheyState) {
  // One history of two items, past and future half-lives 1: position 1 alone has a past: z = e0, y = e1.
  // S = (zzᵀ + λI)⁻¹ z yᵀ: S01 = 1 / (1 + λ).
  EaseSettings settings;
  settings.popularity_exponent = 0;
  settings.lambda = 1e9;
  settings.transition = 1;
  settings.transition_lambda = 3;
  EXPECT_NEAR((EaseFitter({{0, 1}}, 2).fit(settings).view().at(0, 1)), 0.25, 1e-5);
}

TEST(Models, ChangingOneSettingGivesTheSameAsFittingAnew) {
  const auto histories = two_tastes(60, 9);
  EaseFitter fitter(histories, 40);
  EaseSettings settings;
  settings.transition = 0.4;
  fitter.fit(settings);
  settings.past = 2;
  settings.lambda = 50;
  EXPECT_EQ(fitter.fit(settings).dense, EaseFitter(histories, 40).fit_once(settings).dense);
}

TEST(Models, LatestListensWeighMore) {
  const auto histories = two_tastes(200, 5);
  const History first_then_second{0, 1, 2, 20, 21, 22}, second_then_first{20, 21, 22, 0, 1, 2};
  const auto mean = [](const std::vector<float>& scores, int from) {
    return std::accumulate(scores.begin() + from, scores.begin() + from + 17, 0.f) / 17;
  };
  for (const char* name : {"item-knn", "ease"}) {
    const Settings recent{{"half_life", 1}, {"floor", 0}, {"lambda", 50}};
    Settings changes = recent;
    if (std::string(name) == "item-knn") changes.erase("lambda");
    const auto late_second = scores_of(name, histories, 40, first_then_second, changes);
    const auto late_first = scores_of(name, histories, 40, second_then_first, changes);
    EXPECT_GT(mean(late_second, 23), mean(late_second, 3)) << name;
    EXPECT_GT(mean(late_first, 3), mean(late_first, 23)) << name;
    changes["floor"] = 1;  // age does not count
    EXPECT_NEAR(mean(scores_of(name, histories, 40, first_then_second, changes), 3),
                mean(scores_of(name, histories, 40, second_then_first, changes), 3), 1e-5)
        << name;
  }
}

TEST(Models, ItemKnnIsTheCosineOfListeners) {
  const ItemWeights weights = fit_item_knn({{0, 1}, {0, 1}, {0, 2}, {1}}, 3, 10, 0);
  EXPECT_NEAR(weights.view().at(0, 1), 2 / std::sqrt(3. * 3.), 1e-6);
  EXPECT_NEAR(weights.view().at(0, 2), 1 / std::sqrt(3. * 1.), 1e-6);
  EXPECT_EQ(weights.view().at(1, 2), 0);
  EXPECT_EQ(fit_item_knn({{0, 1}, {0, 1}, {0, 2}, {1}}, 3, 1, 0).view().at(0, 2), 0) << "only the nearest is kept";
}

TEST(Models, PersonalPopularityPutsOwnPlaysBeforeThePopular) {
  const auto scores = scores_of("personal-popularity", {{0, 1}, {0, 2}, {0}}, 4, {3, 3, 1});
  EXPECT_GT(scores[3], scores[1]);
  EXPECT_GT(scores[1], scores[0]);
  EXPECT_GT(scores[0], scores[2]);
}

TEST(Models, TooManyItemsForADenseFitAreRefused) {
  try {
    EaseFitter({}, kMostDenseItems + 1);
    FAIL() << "a fit beyond the bound of memory was begun";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), Category::unsupported);
  }
}

TEST(Models, UnknownNameListsWhatThereIs) {
  try {
    recommend_model("svd");
    FAIL() << "a model that does not exist was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), Category::usage);
    EXPECT_NE(error.hint().find("ease-sequence"), std::string::npos);
  }
}

TEST(ItemWeightsTest, ScoreIsTheSumOfItsParts) {
  rc::check("Σ parts = score", [] {
    const auto history = *rc::gen::container<History>(rc::gen::inRange(0, 45));  // 40–44 are no items
    static const ItemWeights weights = EaseFitter(two_tastes(100, 2), 40).fit({});
    const auto weighed = weigh(history, {3, 0.2});
    std::vector<float> scores(40, 0.f);
    weights.view().add_scores(weighed, scores);
    for (int item = 0; item < 40; ++item) {
      double sum = 0;
      for (const WeighedItem& heard : weighed) sum += heard.weight * weights.view().at(heard.item, item);
      RC_ASSERT(std::abs(sum - scores[static_cast<std::size_t>(item)]) < 1e-5);
    }
  });
}

TEST(ItemWeightsTest, RecencyHalvesPerHalfLifeDownToTheFloor) {
  const auto weighed = weigh(History{7, 8, 9}, {1, 0.2});
  ASSERT_EQ(weighed.size(), 3u);
  EXPECT_EQ(weighed[0].item, 9);
  EXPECT_NEAR(weighed[0].weight, 1, 1e-6);
  EXPECT_NEAR(weighed[1].weight, 0.2 + 0.8 / 2, 1e-6);
  EXPECT_NEAR(weighed[2].weight, 0.2 + 0.8 / 4, 1e-6);
}

TEST(Histories, RepeatedItemsStandAtTheirLatestPlace) {
  EXPECT_EQ(latest_distinct(History{1, 2, 1, 3}), (History{2, 1, 3}));
  EXPECT_EQ(latest_distinct(History{1, 2, 1, 3}, 2), (History{1, 3}));
  EXPECT_TRUE(latest_distinct(History{}).empty());
}

TEST(Histories, AHundredThousandListensAreCutToTheLatest) {
  History history(100000);
  std::iota(history.begin(), history.end(), 0);
  const auto weighed = weigh(history, {});
  ASSERT_EQ(weighed.size(), kLongestHistory);
  EXPECT_EQ(weighed.front().item, 99999);
}

/// Gives item i of n the score `slope` · i + `level`.
class Ramp : public ItemModel {
 public:
  Ramp(float slope, float level) : slope_(slope), level_(level) {}
  void fit(const std::vector<History>&, int) override {}
  void configure(const Settings&) override {}
  void score(std::span<const int>, std::span<float> scores) const override {
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = slope_ * static_cast<float>(i) + level_;
  }

 private:
  float slope_, level_;
};

TEST(Blend, TakesPartsOfAnyScaleByWeightAndOneThatTellsNothingApartForNothing) {
  const auto scores = [](float slope, double weight) {
    Blend blend({std::make_shared<Ramp>(1000.f, 7.f), std::make_shared<Ramp>(slope, -90.f)});
    blend.configure({{"weight", weight}});
    std::vector<float> out(5);
    blend.score({}, out);
    return out;
  };
  for (const float score : scores(-0.01f, 0.5)) EXPECT_NEAR(score, 0, 1e-3) << "they disagree on everything";
  EXPECT_GT(scores(-0.01f, 0.4)[4], 0.1f);
  EXPECT_LT(scores(-0.01f, 0.6)[4], -0.1f);
  EXPECT_NEAR(scores(0.f, 0.5)[4], 0.5 * 2 / std::sqrt(2.0), 1e-5);
}

TEST(SasRecModel, ChoosesAmongEpochsByOneTrainingAndEndsWhereARunOfThatLengthEnds) {
  const HeldOut held_out = hold_out(two_tastes(60, 3), 1);
  const ModelRow& row = recommend_model("sasrec");
  Settings settings = first_settings(row);
  const auto choosing = row.make(), straight = row.make();
  choosing->configure(settings);
  choosing->fit_to_choose(held_out.fit, 40);
  settings["epochs"] = 20;
  choosing->configure(settings);
  straight->configure(settings);
  straight->fit(held_out.fit, 40);
  std::vector<float> a(40), b(40);
  choosing->score(held_out.queries[0].history, a);
  straight->score(held_out.queries[0].history, b);
  EXPECT_EQ(a, b);
  settings["epochs"] = 40;
  choosing->configure(settings);
  choosing->score(held_out.queries[0].history, b);
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace euterpe
