#include "score/passage_packing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.hpp"
#include "score/passage_coder.hpp"

namespace euterpe {
namespace {

/// Entries of all kinds: far apart and at one place, foretold and not.
std::vector<IndexedRun> some_runs(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<IndexedRun> runs;
  std::uint32_t axis = 0;
  while (runs.size() < count) {
    if (runs.size() > 20 && random.below(8) == 0) {  // a repeat, now and then with another rhythm or pitch
      const std::size_t from = random.below(runs.size() - 20);
      for (std::size_t i = from; i < from + 20; ++i) {
        axis += i > from ? runs[i].axis - runs[i - 1].axis : 4;
        runs.push_back({axis, runs[i].hash, static_cast<std::uint8_t>((runs[i].pitch + 3) & 127),
                        random.below(9) == 0 ? std::uint8_t{1} : runs[i].rhythm});
      }
      continue;
    }
    axis += random.below(30) == 0 ? static_cast<std::uint32_t>(random.below(2000))
                                  : static_cast<std::uint32_t>(random.below(4));
    runs.push_back({axis, static_cast<std::uint32_t>(random.below(1u << 24)),
                    static_cast<std::uint8_t>(random.below(128)), static_cast<std::uint8_t>(random.below(256))});
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

std::vector<BarPrint> some_prints(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  const auto byte = [&] { return static_cast<std::uint8_t>(random.below(256)); };
  std::vector<BarPrint> prints;
  for (std::uint32_t i = 0; i < count; ++i) {
    BarPrint print{i * 16 + (i > 50 ? 3000 : 0),
                   32,
                   static_cast<std::uint32_t>(random.below(std::uint64_t{1} << 32)),
                   byte(),
                   byte(),
                   byte(),
                   {byte(), byte(), byte()}};
    if (i >= 30 && i % 60 < 30) {
      print = prints[i - 30];
      print.axis = i * 16 + (i > 50 ? 3000 : 0);
      print.lowest = static_cast<std::uint8_t>(print.lowest + (i % 60 == 7));
    }
    prints.push_back(print);
  }
  return prints;
}

TEST(PassagePacking, gives_back_what_went_in) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::size_t count = seed * seed * 10;
    const auto runs = some_runs(seed, count);
    const PackedList packed = pack_runs(runs);
    EXPECT_EQ(unpack_runs(packed.code, packed.raw, runs.size()), runs) << seed;
    const auto prints = some_prints(seed, count);
    const PackedList bars = pack_prints(prints);
    EXPECT_EQ(unpack_prints(bars.code, bars.raw, prints.size()), prints) << seed;
  }
}

TEST(PassagePacking, many_equal_entries_are_still_bounded_by_the_bytes) {
  const std::vector<IndexedRun> same(100000, IndexedRun{0, 7, 60, 85});
  const PackedList packed = pack_runs(same);
  EXPECT_GE(packed.code.size() * kMostPerByte, same.size());
  EXPECT_EQ(unpack_runs(packed.code, packed.raw, same.size()), same);
}

TEST(PassagePacking, stops_where_the_bytes_do) {
  const auto runs = some_runs(3, 1000);
  const PackedList packed = pack_runs(runs);
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{40}, packed.code.size() / 2})
    EXPECT_LT(unpack_runs({packed.code.data(), size}, packed.raw, runs.size()).size(), runs.size()) << size;
  EXPECT_LT(unpack_runs(packed.code, {packed.raw.data(), packed.raw.size() - 1}, runs.size()).size(), runs.size());
  const auto cut = unpack_runs(packed.code, {packed.raw.data(), packed.raw.size() / 2}, runs.size());
  ASSERT_FALSE(cut.empty());
  EXPECT_TRUE(std::equal(cut.begin(), cut.end(), runs.begin()));
}

TEST(PassagePacking, survives_bytes_that_are_no_code) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    std::vector<std::uint8_t> bytes(random.below(400));
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random.below(i % 2 == 0 ? 256 : 3));
    EXPECT_LE(unpack_runs(bytes, bytes, 500).size(), 500u);
    EXPECT_LE(unpack_prints(bytes, bytes, 500).size(), 500u);
  }
}

TEST(SymbolCoder, costs_what_symbols_are_rare) {
  Random random(5);
  SymbolEncoder encoder(2);
  std::vector<std::uint32_t> symbols;
  for (int i = 0; i < 8000; ++i) symbols.push_back(random.below(100) == 0 ? 200 : 3);
  for (std::size_t i = 0; i < symbols.size(); ++i) encoder.code(i % 2, symbols[i]);
  const auto bytes = encoder.finish();
  EXPECT_LT(bytes.size(), 110u);  // 8,000 choices of one in a hundred: 0.081 bits each, and the shares
  SymbolDecoder decoder(bytes, {}, 2);
  for (std::size_t i = 0; i < symbols.size(); ++i) ASSERT_EQ(decoder.code(i % 2, 0), symbols[i]);
  EXPECT_FALSE(decoder.failed());
}

}  // namespace
}  // namespace euterpe
