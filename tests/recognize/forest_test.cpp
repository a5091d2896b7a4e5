#include "recognize/forest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

struct Set {
  std::vector<std::vector<float>> rows;
  std::vector<int> labels;
  ForestExamples view(int classes) const { return {rows, labels, classes}; }
};

/// The class is whether the signs of the first two numbers differ; three more numbers say nothing.
Set exclusive_or(int n, std::uint64_t seed) {
  Random random(seed);
  Set set;
  for (int i = 0; i < n; ++i) {
    std::vector<float> row(5);
    for (float& value : row) value = static_cast<float>(random.uniform(-1, 1));
    set.labels.push_back(row[0] * row[1] < 0);
    set.rows.push_back(std::move(row));
  }
  return set;
}

double share_right(const Forest& forest, const Set& set) {
  int right = 0;
  for (std::size_t i = 0; i < set.rows.size(); ++i) {
    const auto p = forest.probabilities(set.rows[i]);
    right += (p[1] > 0.5) == (set.labels[i] == 1);
  }
  return right / static_cast<double>(set.rows.size());
}

TEST(Forest, LearnsWhatNoLineDivides) {
  const Set train = exclusive_or(600, 1), test = exclusive_or(400, 2);
  for (const bool random_cuts : {false, true}) {
    ForestOptions options;
    options.trees = 60;
    options.random_cuts = random_cuts;
    EXPECT_GT(share_right(Forest::fit(train.view(2), options), test), 0.9) << random_cuts;
  }
}

TEST(Forest, SameSeedSameForestWhateverTheThreads) {
  const Set train = exclusive_or(200, 5);
  ForestOptions options;
  options.trees = 12;
  options.seed = 9;
  const int before = threads();
  Safetensors one, many, other;
  set_threads(1);
  Forest::fit(train.view(2), options).put(one, "f");
  set_threads(4);
  Forest::fit(train.view(2), options).put(many, "f");
  set_threads(before);
  options.seed = 10;
  Forest::fit(train.view(2), options).put(other, "f");
  EXPECT_EQ(write_safetensors(one), write_safetensors(many));
  EXPECT_NE(write_safetensors(one), write_safetensors(other));
}

TEST(Forest, SavedAndReadAnswersAsTheFreshOne) {
  const Set train = exclusive_or(300, 6), test = exclusive_or(50, 7);
  ForestOptions options;
  options.trees = 20;
  options.balance = true;
  const Forest fresh = Forest::fit(train.view(2), options);
  Safetensors file;
  fresh.put(file, "member.0");
  const Forest read = Forest::from(read_safetensors(write_safetensors(file)), "member.0", 5);
  for (const auto& row : test.rows) EXPECT_EQ(fresh.probabilities(row), read.probabilities(row));
}

TEST(Forest, BalancedClassesAreNotDrownedByTheirNumber) {
  // 19 of class 0 for each of class 1, at the same place: balanced, both are as likely there.
  Set set;
  for (int i = 0; i < 400; ++i) {
    set.rows.push_back({static_cast<float>(i % 2)});
    set.labels.push_back(i % 20 == 0);
  }
  ForestOptions options;
  options.trees = 50;
  const float x[] = {0.0f};
  EXPECT_LT(Forest::fit(set.view(2), options).probabilities(x)[1], 0.2);
  options.balance = true;
  EXPECT_GT(Forest::fit(set.view(2), options).probabilities(x)[1], 0.4);
}

TEST(Forest, FilesThatLieAreRefused) {
  const Set train = exclusive_or(100, 8);
  ForestOptions options;
  options.trees = 3;
  Safetensors good;
  Forest::fit(train.view(2), options).put(good, "f");
  EXPECT_THROW(Forest::from(good, "g", 5), Error);
  EXPECT_THROW(Forest::from(good, "f", 1), Error) << "asks descriptors that are not there";
  for (const char* name : {"f.right", "f.sizes"}) {
    Safetensors bad = good;
    for (auto& byte : bad.tensors[name].bytes) byte = 0xFF;
    EXPECT_THROW(Forest::from(bad, "f", 5), Error) << name;
  }
  Safetensors short_leaves = good;
  auto& leaf = short_leaves.tensors["f.leaf"];
  leaf.shape[0] -= 1;
  leaf.bytes.resize(leaf.bytes.size() - 2);
  EXPECT_THROW(Forest::from(short_leaves, "f", 5), Error);
}

}  // namespace
}  // namespace euterpe
