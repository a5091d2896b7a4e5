#include "train/classifier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

/// Three classes on rings of the plane (no line parts them), with two dimensions of noise; a label is wrong with
/// probability `wrong`. Ten examples a group.
Examples rings(std::uint64_t seed, int n, double wrong = 0) {
  Random random(seed);
  Examples examples;
  for (int i = 0; i < n; ++i) {
    const int ring = static_cast<int>(random.below(3));
    const double radius = 1 + 2 * ring + 0.2 * random.normal(), angle = random.uniform(0, 2 * M_PI);
    const std::array<float, 4> x{static_cast<float>(100 + 10 * radius * std::cos(angle)),
                                 static_cast<float>(radius * std::sin(angle)), static_cast<float>(random.normal()),
                                 static_cast<float>(random.normal())};
    const int label = random.uniform() < wrong ? static_cast<int>(random.below(3)) : ring;
    examples.add(x, label, "group" + std::to_string(i / 10), i);
  }
  return examples;
}

ClassifierOptions quick() {
  ClassifierOptions options;
  options.classes = 3;
  options.hidden = {24, 12};
  options.members = 2;
  options.epochs = 40;
  options.dropout = 0.1;
  options.batch = 32;
  options.learning_rate = 5e-3;
  options.seed = 11;
  return options;
}

double accuracy(const MlpEnsemble& network, const Examples& examples) {
  double right = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto p = network.probabilities(examples.row(i));
    right += std::max_element(p.begin(), p.end()) - p.begin() == examples.labels[i];
  }
  return right / static_cast<double>(examples.size());
}

TEST(Classifier, LearnsWhatNoLineParts) {
  ClassifierReport report;
  const MlpEnsemble network = train_classifier(rings(1, 600), rings(2, 200), quick(), &report);
  EXPECT_GT(accuracy(network, rings(3, 400)), 0.93);
  EXPECT_GT(report.valid_accuracy, 0.9);
  EXPECT_LT(report.valid_nll, 0.3);
}

TEST(Classifier, GivesTheSameWeightsForTheSameSeedOnAnyNumberOfThreads) {
  auto options = quick();
  options.epochs = 3;
  const Examples train = rings(1, 200), valid = rings(2, 50);
  const auto weights = [&](int n) {
    const int before = threads();
    set_threads(n);
    const auto network = train_classifier(train, valid, options);
    set_threads(before);
    return network.members[1].layers[0].weight;
  };
  const auto first = weights(1);
  EXPECT_EQ(first, weights(1));
  EXPECT_EQ(first, weights(4));
  options.seed = 12;
  EXPECT_NE(first, weights(1));
}

TEST(Classifier, IsAsSureAsItIsRightWhenLabelsAreNoisy) {
  // A third of the labels is drawn at random: no answer can be right more often than 1 − 0.33 · 2/3 = 0.78.
  const MlpEnsemble network = train_classifier(rings(1, 900, 0.33), rings(2, 400, 0.33), quick());
  const Examples test = rings(3, 1000, 0.33);
  double confidence = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const auto p = network.probabilities(test.row(i));
    confidence += *std::max_element(p.begin(), p.end()) / static_cast<double>(test.size());
  }
  EXPECT_NEAR(confidence, accuracy(network, test), 0.06);
  EXPECT_LT(confidence, 0.85);
}

TEST(Classifier, ByGroupUsesEveryExampleAndReportsUnseenGroupsAlone) {
  // Labels that belong to the group and to nothing in x: what is learned of one group is no help for another.
  Random random(5);
  Examples examples;
  for (int group = 0; group < 40; ++group)
    for (int i = 0; i < 8; ++i) {
      const std::array<float, 3> x{static_cast<float>(random.normal()), static_cast<float>(group) / 40,
                                   static_cast<float>(random.normal())};
      examples.add(x, group * 7 % 3, std::to_string(group), group * 8 + i);
    }
  ClassifierReport report;
  const MlpEnsemble network = train_classifier_by_group(examples, quick(), 4, &report);
  EXPECT_EQ(network.members.size(), 8u);
  EXPECT_LT(report.valid_accuracy, 0.6);
  EXPECT_GT(report.valid_nll, 0.9);
}

TEST(Classifier, SaysWhenAClassHasNoExample) {
  auto options = quick();
  options.classes = 4;
  EXPECT_THROW(train_classifier(rings(1, 100), rings(2, 50), options), Error);
}

TEST(GroupFolds, KeepGroupsWholeAndFoldsEven) {
  const Examples examples = rings(1, 500);
  const auto folds = group_folds(examples, 3, 5, 1);
  std::map<std::string, std::set<int>> folds_of;
  std::map<int, int> size;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    folds_of[examples.groups[i]].insert(folds[i]);
    ++size[folds[i]];
  }
  for (const auto& [group, in] : folds_of) EXPECT_EQ(in.size(), 1u) << group;
  ASSERT_EQ(size.size(), 5u);
  for (const auto& [fold, n] : size) EXPECT_NEAR(n, 100, 20) << fold;
  EXPECT_NE(folds, group_folds(examples, 3, 5, 2));
}

TEST(GroupFolds, SayWhenThereAreFewerGroupsThanFolds) { EXPECT_THROW(group_folds(rings(1, 20), 3, 5, 1), Error); }

}  // namespace
}  // namespace euterpe
