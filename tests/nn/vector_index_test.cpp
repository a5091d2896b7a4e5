#include "nn/vector_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "nn/nibble_scan.hpp"

namespace euterpe {
namespace {

std::vector<float> uniform(std::size_t n, std::size_t width, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> out(n * width);
  for (float& x : out) x = static_cast<float>(2 * random.uniform() - 1);
  return out;
}

std::vector<float> clustered(std::size_t n, std::size_t width, std::uint64_t seed) {
  const std::vector<float> centers = uniform(300, width, 99);
  Random random(seed);
  std::vector<float> out;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t c = random.below(300);
    for (std::size_t d = 0; d < width; ++d)
      out.push_back(3 * centers[c * width + d] + 0.2f * static_cast<float>(random.normal()));
  }
  return out;
}

double product(const std::vector<float>& a, std::size_t i, const std::vector<float>& b, std::size_t j, std::size_t d) {
  double sum = 0;
  for (std::size_t k = 0; k < d; ++k) sum += static_cast<double>(a[i * d + k]) * static_cast<double>(b[j * d + k]);
  return sum;
}

std::set<std::uint32_t> items_of(const std::vector<VectorHit>& hits) {
  std::set<std::uint32_t> out;
  for (const VectorHit& hit : hits) out.insert(hit.item);
  return out;
}

double recall(const std::vector<std::vector<VectorHit>>& found, const std::vector<std::vector<VectorHit>>& exact) {
  double held = 0, all = 0;
  for (std::size_t q = 0; q < exact.size(); ++q) {
    const auto own = items_of(found[q]);
    for (const VectorHit& hit : exact[q]) held += own.contains(hit.item), ++all;
  }
  return held / all;
}

TEST(VectorIndex, ExactSearchIsThatOfAllProducts) {
  for (const std::size_t width : {1, 7, 32, 50, 64}) {
    const std::vector<float> items = uniform(700, width, 1), queries = uniform(5, width, 2);
    const auto found = VectorIndex(items, static_cast<int>(width)).search_exactly(queries, 10);
    for (std::size_t q = 0; q < 5; ++q) {
      std::vector<std::pair<double, std::uint32_t>> all;
      for (std::size_t i = 0; i < 700; ++i) all.emplace_back(-product(items, i, queries, q, width), i);
      std::sort(all.begin(), all.end());
      ASSERT_EQ(found[q].size(), 10u);
      for (std::size_t k = 0; k < 10; ++k) {
        EXPECT_EQ(found[q][k].item, all[k].second) << width;
        EXPECT_NEAR(found[q][k].score, -all[k].first, 1e-4);
      }
    }
  }
}

class VectorIndexRecall : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr std::size_t kWidth = 50;  // not a multiple of the eight dimensions of a group
  std::vector<float> make(std::size_t n, std::uint64_t seed) const {
    return GetParam() ? clustered(n, kWidth, seed) : uniform(n, kWidth, seed);
  }
};

TEST_P(VectorIndexRecall, CandidatesHoldTheBest) {
  const VectorIndex index(make(30'000, 1), kWidth);
  EXPECT_GT(index.candidates(), 0u);
  EXPECT_GE(index.recall(), 0.995);
  const std::vector<float> queries = make(100, 2);
  EXPECT_GE(recall(index.search(queries, 10), index.search_exactly(queries, 10)), 0.98);
  EXPECT_GE(recall(index.search(queries, 100), index.search_exactly(queries, 100)), 0.98);
  // A query's answer does not depend on the others that come with it.
  const auto together = index.search(queries, 10);
  for (std::size_t q : {0u, 7u, 8u, 99u})
    EXPECT_EQ(index.search(std::span(queries).subspan(q * kWidth, kWidth), 10)[0], together[q]);
}

TEST_P(VectorIndexRecall, WhatIsExcludedIsReplacedByTheNextBest) {
  const VectorIndex index(make(30'000, 1), kWidth);
  const std::vector<float> query = make(1, 3);
  const auto best = index.search_exactly(query, 20)[0];
  std::set<std::uint32_t> left_out;
  for (std::size_t k = 0; k < 10; ++k) left_out.insert(best[k].item);
  const auto excluded = [&](std::uint32_t item) { return left_out.contains(item); };
  const auto exact = index.search_exactly(query, 10, excluded), found = index.search(query, 10, excluded);
  EXPECT_EQ(exact[0], std::vector<VectorHit>(best.begin() + 10, best.end()));
  EXPECT_GE(recall(found, exact), 0.9);
  for (const VectorHit& hit : found[0]) EXPECT_FALSE(left_out.contains(hit.item));
}

INSTANTIATE_TEST_SUITE_P(Distributions, VectorIndexRecall, ::testing::Bool(),
                         [](const auto& of) { return of.param ? "Clustered" : "Uniform"; });

TEST(VectorIndex, EveryInstructionSetFindsTheSameSums) {
  constexpr int kGroups = 5, kBlocks = 40, kAsked = 7;
  Random random(3);
  std::vector<std::uint8_t> codes(kBlocks * kGroups * 64);
  for (auto& byte : codes) byte = static_cast<std::uint8_t>(random.below(256));
  std::vector<std::int8_t> weights(kAsked * kGroups * kNibbleDims);
  for (auto& w : weights) w = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  const std::vector<std::int32_t> thresholds{-100000, 0, 500, 1000, 2000, 1000000, 700};
  for (int k = 0; nibble_kernel(k); ++k) {
    std::vector<std::vector<std::uint32_t>> vectors(kAsked, std::vector<std::uint32_t>((kBlocks + 1) * kNibbleBlock));
    std::vector<std::vector<std::int32_t>> sums(kAsked, std::vector<std::int32_t>((kBlocks + 1) * kNibbleBlock));
    NibbleHits hits[kAsked];
    for (std::size_t q = 0; q < kAsked; ++q) hits[q] = {vectors[q].data(), sums[q].data()};
    nibble_kernel(k)->scan(codes.data(), kBlocks, kGroups, weights.data(), kAsked, thresholds.data(), hits);
    for (std::size_t q = 0; q < kAsked; ++q) {
      std::size_t at = 0;
      for (std::size_t v = 0; v < kBlocks * kNibbleBlock; ++v) {
        std::int32_t sum = 0;
        for (std::size_t d = 0; d < kGroups * kNibbleDims; ++d) {
          const std::uint8_t byte = codes[v / kNibbleBlock * kGroups * 64 + nibble_place(v % kNibbleBlock, d)];
          sum += (d % kNibbleDims < 4 ? byte & 15 : byte >> 4) * weights[q * kGroups * kNibbleDims + d];
        }
        if (sum <= thresholds[q]) continue;
        ASSERT_LT(at, hits[q].count) << nibble_kernel(k)->name;
        EXPECT_EQ(vectors[q][at], v);
        EXPECT_EQ(sums[q][at++], sum);
      }
      EXPECT_EQ(at, hits[q].count);
    }
  }
}

TEST(VectorIndex, FewerThanAskedAndNone) {
  EXPECT_EQ(VectorIndex(uniform(3, 8, 1), 8).search(uniform(1, 8, 2), 10)[0].size(), 3u);
  EXPECT_TRUE(VectorIndex({}, 8).search(uniform(1, 8, 2), 10)[0].empty());
  EXPECT_TRUE(VectorIndex(uniform(30, 8, 1), 8).search(uniform(1, 8, 2), 0)[0].empty());
  const std::vector<float> nowhere(8, 0.f);  // all scores are 0: the first items, as ties go
  EXPECT_EQ(items_of(VectorIndex(uniform(30'000, 8, 1), 8).search(nowhere, 3)[0]).size(), 3u);
}

TEST(VectorIndex, NumbersThatAreNoneAreNamed) {
  std::vector<float> items = uniform(10, 8, 1);
  items[8 * 4 + 3] = std::nanf("");
  try {
    VectorIndex(items, 8);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("vector 4, dimension 3"), std::string::npos) << error.what();
  }
}

TEST(VectorIndex, AFileAnswersAsItsIndexAndDamageIsFound) {
  const TemporaryFolder folder;
  const auto path = folder / "items.idx";
  const std::vector<float> queries = uniform(20, 24, 2);
  const VectorIndex index(uniform(25'000, 24, 1), 24);
  index.write(path);
  const VectorIndex mapped(path);
  EXPECT_EQ(mapped.size(), 25'000u);
  EXPECT_EQ(mapped.candidates(), index.candidates());
  EXPECT_EQ(mapped.search(queries, 10), index.search(queries, 10));

  const auto bytes = read_file(path);
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, std::size_t{17}, std::size_t{70}, bytes.size() - 1}) {
    auto changed = bytes;
    changed[at] ^= 1;
    write_file(folder / "changed.idx", changed);
    EXPECT_THROW(VectorIndex(folder / "changed.idx"), Error) << at;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{63}, bytes.size() / 2, bytes.size() - 64}) {
    write_file(folder / "cut.idx", std::span(bytes).first(size));
    EXPECT_THROW(VectorIndex(folder / "cut.idx"), Error) << size;
  }
}

}  // namespace
}  // namespace euterpe
