#include "recommend/reach.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"
#include "recommend/affinity.hpp"

namespace euterpe {
namespace {

/// `tracks` tracks, each answered by `each` listeners of even affinity 0–1 who listen with probability factor · x²; the
/// factor of a track is log-normal with mean 1.
std::vector<Response> answers(int tracks, int each, double sigma, Random& random) {
  std::vector<Response> responses;
  for (int track = 0; track < tracks; ++track) {
    const double factor = std::exp(sigma * random.normal() - sigma * sigma / 2);
    for (int n = 0; n < each; ++n) {
      const double x = random.uniform();
      responses.push_back({track, x, random.uniform() < 0.6 * factor * x * x});
    }
  }
  return responses;
}

TEST(ReachTest, ProbabilityFollowsTheCurveThatResponsesShow) {
  Random random(3);
  const ResponseModel model(answers(50, 400, 0, random), 1);
  for (const double x : {0.3, 0.5, 0.7, 0.9}) EXPECT_NEAR(model.probability(x), 0.6 * x * x, 0.06) << x;
  double last = 0;
  for (double x = -0.5; x < 1.5; x += 0.01) {
    EXPECT_GE(model.probability(x), last);
    last = model.probability(x);
  }
}

TEST(ReachTest, EqualAffinitiesShareOneRate) {
  std::vector<Response> responses;
  for (int n = 0; n < 1000; ++n) responses.push_back({n % 2, n < 200 ? 1. : 0., n < 200 ? n % 4 == 0 : n % 20 == 0});
  const ResponseModel model(responses, 1);
  EXPECT_NEAR(model.probability(1), 0.25, 0.005);
  EXPECT_NEAR(model.probability(0), 0.05, 0.005);
  EXPECT_EQ(model.probability(5), model.probability(1)) << "beyond what was seen the last rate holds";
}

/// Share of 200 new tracks whose count lies in its interval.
double coverage(double sigma, double* spread) {
  Random random(7);
  double covered = 0;
  for (int run = 0; run < 200; ++run) {
    const ResponseModel model(answers(60, 100, sigma, random), random.next());
    const double factor = std::exp(sigma * random.normal() - sigma * sigma / 2);
    std::vector<double> shown;
    double count = 0;
    for (int n = 0; n < 100; ++n) {
      shown.push_back(random.uniform(0.5, 1));
      count += random.uniform() < 0.6 * factor * shown.back() * shown.back();
    }
    const Reach reach = model.reach(shown);
    covered += reach.low <= count && count <= reach.high;
    *spread += reach.spread / 200;
  }
  return covered / 200;
}

TEST(ReachTest, IntervalCoversWhatComesWhetherTracksDifferOrNot) {
  double alike = 0, different = 0;
  EXPECT_GE(coverage(0, &alike), 0.9);
  EXPECT_GE(coverage(0.4, &different), 0.9);
  EXPECT_LT(alike, 0.15);
  EXPECT_NEAR(different, std::sqrt(std::expm1(0.16)), 0.1);
}

TEST(ReachTest, ExpectedReachIsTheSumOfProbabilities) {
  Random random(3);
  const ResponseModel model(answers(50, 400, 0.2, random), 1);
  const std::vector<double> shown{0.2, 0.5, 0.9};
  const Reach reach = model.reach(shown);
  EXPECT_NEAR(reach.expected, model.probability(0.2) + model.probability(0.5) + model.probability(0.9), 1e-12);
  EXPECT_LE(reach.low, reach.expected);
  EXPECT_GE(reach.high, reach.expected);
  EXPECT_EQ(model.reach({}).high, 0);
}

TEST(ReachTest, TooFewListensSaySo) {
  std::vector<Response> responses(1000, {0, 0.5, false});
  for (std::size_t n = 0; n < 19; ++n) responses[n] = {1, 0.9, true};
  EXPECT_THROW(ResponseModel(responses, 1), Error);
  responses[19] = {1, 0.9, true};
  EXPECT_NO_THROW(ResponseModel(responses, 1));
  for (Response& response : responses) response.track = 0;
  EXPECT_THROW(ResponseModel(responses, 1), Error) << "one track does not tell how tracks differ";
}

TEST(Affinity, IsTheSumOfItsPartsAndStandInsCountThemselves) {
  // W of three items; rows are what a listen of the item says.
  ItemWeights model;
  model.items = 3;
  model.dense = {0, 0.5f, 0.2f, 0.4f, 0, 0.1f, 0.3f, 0.6f, 0};
  const TrackWeights first = column_of(model.view(), 1);
  EXPECT_EQ(first, (TrackWeights{0.5f, 0, 0.6f}));
  EXPECT_NEAR(affinity(std::vector<WeighedItem>{{0, 1}, {2, 0.5f}, {7, 1}}, first), 0.5 + 0.3, 1e-6);
  const TrackWeights alike = look_alike(model.view(), std::vector<StandIn>{{1, 3}, {2, 1}});
  EXPECT_NEAR(alike[0], 0.75 * 0.5 + 0.25 * 0.2, 1e-6);
  EXPECT_NEAR(alike[1], 0.75 * 0.6 + 0.25 * 0.1, 1e-6) << "a listen of the stand-in itself";
  EXPECT_NEAR(alike[2], 0.75 * 0.6 + 0.25 * 0.2, 1e-6);
  EXPECT_TRUE(says_anything(alike));
  EXPECT_FALSE(says_anything({0, -1}));
}

}  // namespace
}  // namespace euterpe
