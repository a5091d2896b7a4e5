#pragma once
/// A composer of random weights, and what holds of every piece.
#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "catalog/support.hpp"
#include "compose/compose.hpp"
#include "compose/tiny_composer.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe::test {

inline ComposeOptions wish(const std::string& style, int bars, std::uint64_t seed) {
  ComposeOptions o;
  o.style = style;
  o.bars = bars;
  o.seed = seed;
  return o;
}

inline int bars_of(const Score& score) { return static_cast<int>(score.bar_lines().size()) - 1; }

inline void expect_rereads(const Score& score) {
  const auto read = read_midi(write_midi(score));
  EXPECT_TRUE(read.mended.empty());
  EXPECT_EQ(read.score, score);
  EXPECT_FALSE(write_musicxml(score).empty());
}

inline void expect_refused(const Composer& composer, const ComposeOptions& o, Category category,
                           const std::string& word) {
  try {
    composer.compose(o);
    ADD_FAILURE() << "was composed: " << word;
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), category) << e.what();
    EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
  }
}

class WithComposer : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  Composer composer = [this] {
    save_tiny_composer(folder / "tiny");
    return Composer(find_model((folder / "tiny").string()));
  }();
};

}  // namespace euterpe::test
