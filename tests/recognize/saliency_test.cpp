#include "recognize/saliency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

namespace euterpe {
namespace {

/// A model whose log odds are a sum over the parts that are there.
MaskedAnswer additive(const std::vector<double>& evidence, double bias = 0) {
  return [=](std::span<const std::uint8_t> without) {
    double sum = bias;
    for (std::size_t i = 0; i < evidence.size(); ++i) sum += without[i] ? 0 : evidence[i];
    const double p = 1 / (1 + std::exp(-sum));
    return std::vector<double>{1 - p, p};
  };
}

TEST(Saliency, TheOnlyPartsThatCountAreFoundAmongMany) {
  std::vector<double> evidence(100, 0.0);
  for (const std::size_t i : {7U, 31U, 32U, 90U}) evidence[i] = 1;
  SaliencyOptions options;
  options.passes = 160;
  const Saliency found = find_saliency(100, {}, additive(evidence), options);
  EXPECT_EQ(found.label, 1U);
  EXPECT_EQ(found.salient.size(), 20U);
  EXPECT_EQ(std::set(found.salient.begin(), found.salient.begin() + 4), (std::set<std::size_t>{7, 31, 32, 90}));
  EXPECT_NEAR(found.weights[31], 1, 0.25);
  EXPECT_NEAR(found.weights[50], 0, 0.25);
}

TEST(Saliency, WithEnoughPassesWeightsOfALinearModelAddUpToWhatItLosesWithoutAll) {
  std::vector<double> evidence(20);
  for (std::size_t i = 0; i < evidence.size(); ++i) evidence[i] = 0.3 * std::sin(static_cast<double>(i));
  SaliencyOptions options;
  options.passes = 300;
  options.share = 0.25;
  const double sum = std::accumulate(evidence.begin(), evidence.end(), 0.0);
  const Saliency found = find_saliency(20, {}, additive(evidence, 1 - sum), options);
  EXPECT_NEAR(std::accumulate(found.weights.begin(), found.weights.end(), 0.0), sum, 0.05);
  for (std::size_t i = 0; i < evidence.size(); ++i) EXPECT_NEAR(found.weights[i], evidence[i], 0.1) << i;
}

TEST(Saliency, GroupsLetOnePartsWeightTellThatOfItsLike) {
  // 400 parts in 20 groups, one of which counts: few passes suffice, which would not for 400 unknowns.
  Grouping groups;
  std::vector<double> evidence;
  for (std::uint32_t i = 0; i < 400; ++i) {
    groups.group.push_back(i / 20);
    evidence.push_back(i / 20 == 13 ? 0.2 : 0.0);
  }
  SaliencyOptions options;
  options.passes = 48;
  const Saliency found = find_saliency(400, std::vector{groups}, additive(evidence), options);
  for (std::size_t k = 0; k < 20; ++k) EXPECT_EQ(found.salient[k] / 20, 13U) << k;
}

TEST(Saliency, OfAnAnswerThatIsNotTheMostProbableIsAskedByItsLabel) {
  std::vector<double> evidence(20, 0.0);
  evidence[4] = 2, evidence[9] = -1;
  SaliencyOptions options;
  options.label = 0;
  const Saliency found = find_saliency(20, {}, additive(evidence, 1), options);
  EXPECT_EQ(found.label, 0U);
  EXPECT_EQ(found.runner_up, 1U);
  EXPECT_LT(found.probability, found.runner_up_probability);
  EXPECT_EQ(found.salient.front(), 9U);
  EXPECT_LT(found.weights[4], -0.5);  // speaks for the other
}

TEST(Saliency, SalientPartsStandInOrderOfTheirWeights) {
  std::vector<double> evidence(50);
  for (std::size_t i = 0; i < 50; ++i) evidence[i] = static_cast<double>(i % 7) / 10;
  const Saliency found = find_saliency(50, {}, additive(evidence, -5));
  const double last = found.weights[found.salient.back()];
  for (std::size_t k = 1; k < found.salient.size(); ++k)
    EXPECT_GE(found.weights[found.salient[k - 1]], found.weights[found.salient[k]]);
  const std::set<std::size_t> chosen(found.salient.begin(), found.salient.end());
  for (std::size_t i = 0; i < 50; ++i) EXPECT_TRUE(chosen.contains(i) || found.weights[i] <= last);
}

TEST(Saliency, AsksExactlyAsOftenAsItSaysWhateverTheThreads) {
  std::atomic<int> asked = 0;
  const auto model = additive({1, 0, 0, 2, 0, 0, 0, 0, 0, 0});
  const auto counting = [&](std::span<const std::uint8_t> without) {
    ++asked;
    return model(without);
  };
  SaliencyOptions options;
  options.passes = 27;
  options.threads = 1;
  const Saliency alone = find_saliency(10, {}, counting, options);
  EXPECT_EQ(asked, 27);
  EXPECT_EQ(alone.passes, 27);
  options.threads = 2;
  EXPECT_EQ(find_saliency(10, {}, counting, options).weights, alone.weights);
}

TEST(Saliency, OfAModelThatIsDeafOrCertainOrMadIsFinite) {
  const auto constant = [](double p) {
    return [p](std::span<const std::uint8_t>) { return std::vector<double>{p, 1 - p}; };
  };
  for (const double p : {0.5, 1.0, 0.0}) {
    for (const double weight : find_saliency(30, {}, constant(p)).weights) EXPECT_EQ(weight, 0) << p;
  }
  const MaskedAnswer mad = [](std::span<const std::uint8_t> without) {
    return without[0] ? std::vector<double>{NAN, NAN} : std::vector<double>{0.7, 0.3};
  };
  for (const double weight : find_saliency(30, {}, mad).weights) EXPECT_TRUE(std::isfinite(weight));
}

TEST(Saliency, OfNothingAndOfOnePart) {
  EXPECT_TRUE(find_saliency(0, {}, additive({})).weights.empty());
  const Saliency one = find_saliency(1, {}, additive({2}));
  EXPECT_EQ(one.salient, std::vector<std::size_t>{0});
  EXPECT_NEAR(one.weights[0], 2, 0.1);
}

TEST(Saliency, ARandomFifthTakesAFifthOfWhatIsSpreadEvenly) {
  const std::vector<double> even(50, 0.02);
  const auto share = [&](std::span<const std::uint8_t> without) {
    const double p = 1 - 0.01 * static_cast<double>(std::count(without.begin(), without.end(), 1));
    return std::vector<double>{p, 1 - p};
  };
  EXPECT_NEAR(random_fall(50, 0, 1.0, share, 0.2, 3, 1), 0.1, 1e-12);
}

}  // namespace
}  // namespace euterpe
