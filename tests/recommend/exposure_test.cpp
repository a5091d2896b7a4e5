#include "recommend/exposure.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numeric>
#include <set>

#include "base/random.hpp"

namespace euterpe {
namespace {

TEST(Exposure, PromotedTrackMovesTheOthersDownAndTheLastOneOut) {
  const TrackList list{"a", "b", "c"};
  EXPECT_EQ(promoted_list(list, "x", 0), (TrackList{"x", "a", "b"}));
  EXPECT_EQ(promoted_list(list, "x", 1), (TrackList{"a", "x", "b"}));
  EXPECT_EQ(promoted_list(list, "x", 9), (TrackList{"a", "b", "x"})) << "the list has no tenth place";
  EXPECT_EQ(promoted_list(list, "c", 0), (TrackList{"c", "a", "b"})) << "nobody falls out";
  EXPECT_EQ(promoted_list(list, "a", 1), list) << "it stands higher already";
  EXPECT_EQ(promoted_list({}, "x", 0), TrackList{});
}

TEST(Exposure, LedgerOfTwoListsIsWhatOneCountsByHand) {
  const std::vector<TrackList> lists{{"a", "b"}, {"b", "x"}};
  const auto ledger = exposure_ledger(lists, "x", 0);  // → x a, x b
  const double second = 1 / std::log2(3.);
  ASSERT_EQ(ledger.size(), 3u);
  EXPECT_EQ(ledger[0].name, "x");
  EXPECT_NEAR(ledger[0].before, second, 1e-12);
  EXPECT_NEAR(ledger[0].after, 2, 1e-12);
  EXPECT_EQ(ledger[1].name, "b");  // from second + 1 to second
  EXPECT_NEAR(ledger[1].change(), -1, 1e-12);
  EXPECT_NEAR(ledger[2].change(), second - 1, 1e-12);
  const auto groups = exposure_ledger(lists, "x", 0, [](const std::string& t) { return t == "b" ? "B" : "A"; });
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_NEAR(groups[0].change(), 1, 1e-12);
  EXPECT_NEAR(groups[1].change(), -1, 1e-12);
}

TEST(Exposure, WhatOneGainsOthersLose) {
  rc::check("Σ change = 0", [] {
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    std::vector<TrackList> lists;
    for (int n = 0; n < 20; ++n) {
      std::vector<int> order(15);
      std::iota(order.begin(), order.end(), 0);
      random.shuffle(order);
      order.resize(random.below(12));
      TrackList list;
      for (const int item : order) list.push_back(std::to_string(item));
      lists.push_back(list);
    }
    const std::size_t rank = random.below(12);
    for (const char* promoted : {"3", "new"}) {
      const auto ledger = exposure_ledger(lists, promoted, rank);
      RC_ASSERT(std::abs(ledger_sum(ledger)) < 1e-9);
      for (const ExposureChange& row : ledger) RC_ASSERT(row.name == promoted || row.change() < 1e-9);
      RC_ASSERT(std::abs(ledger_sum(exposure_ledger(lists, promoted, rank,
                                                    [](const std::string& t) { return t.substr(0, 1); }))) < 1e-9);
    }
    for (const TrackList& list : lists) {
      const TrackList after = promoted_list(list, "new", rank);
      RC_ASSERT(after.size() == list.size());
      RC_ASSERT(std::set<std::string>(after.begin(), after.end()).size() == after.size());
    }
  });
}

}  // namespace
}  // namespace euterpe
