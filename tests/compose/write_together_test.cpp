#include "compose/write_together.hpp"

#include <gtest/gtest.h>

#include "catalog/support.hpp"
#include "compose/compose.hpp"
#include "compose/tiny_composer.hpp"

namespace euterpe {
namespace {

class WriteTogether : public ::testing::Test {
 protected:
  /// Each variant is what it is alone.
  void expect_alone(const ComposeOptions& options, const std::vector<std::uint64_t>& seeds) const {
    const auto together = composer_.compose_variants(options, seeds);
    ASSERT_EQ(together.size(), seeds.size());
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      ComposeOptions mine = options;
      mine.seed = seeds[i];
      const Composition alone = composer_.compose(mine);
      EXPECT_EQ(together[i].tokens, alone.tokens) << i;
      EXPECT_EQ(together[i].nats_per_token, alone.nats_per_token) << i;
      EXPECT_EQ(together[i].provenance, alone.provenance) << i;
      if (i > 0) {
        EXPECT_NE(together[i].tokens, together[0].tokens) << i;
      }
    }
  }

  test::TemporaryFolder folder_;
  Composer composer_ = [this] {
    test::save_tiny_composer(folder_ / "tiny");
    return Composer(find_model((folder_ / "tiny").string()));
  }();
};

TEST_F(WriteTogether, a_variant_is_the_same_alone_and_among_others) {
  ComposeOptions options;
  options.style = "folk";
  options.bars = 4;
  expect_alone(options, {7, 1, 2});
  options.sampling.guidance = 2;
  options.sampling.repetition_penalty = 1;
  expect_alone(options, {7, 1, 2});
  // More than are written at a time.
  options.bars = 1;
  options.sampling = {};
  std::vector<std::uint64_t> many(19);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = 100 + i;
  expect_alone(options, many);
}

TEST_F(WriteTogether, what_is_given_may_be_longer_than_the_context) {
  ComposeOptions options;
  options.style = "folk";
  options.bars = 24;
  const Composition given = composer_.compose(options);
  ASSERT_GT(given.tokens.size(), 150u);  // the context holds 96
  options.bars = 2;
  options.prompt = &given.score;
  options.sampling.guidance = 1.5;
  expect_alone(options, {3, 4});
  options.sampling.guidance = 1;
  options.prompt = nullptr;
  options.gap_in = &given.score;
  options.gap = {5, 2};
  expect_alone(options, {3, 4});
  options.gap_in = nullptr;
  options.melody = &given.score;
  expect_alone(options, {5, 6});
}

TEST_F(WriteTogether, without_guidance_towards_it_what_is_asked_does_not_matter) {
  auto written = [&](const char* style, double guidance) {
    ComposeOptions options;
    options.style = style;
    options.bars = 4;
    options.seed = 5;
    options.sampling.guidance = guidance;
    Composition piece = composer_.compose(options);
    std::erase_if(piece.tokens, [](Token t) { return RemiVocabulary::kind(t) == TokenKind::style; });
    return piece;
  };
  const Composition folk = written("folk", 0), chorale = written("chorale", 0);
  EXPECT_EQ(folk.tokens, chorale.tokens);  // both sides were read, one of them was heard
  EXPECT_NE(folk.nats_per_token, chorale.nats_per_token) << "as likely as the model holds it, guidance aside";
  EXPECT_NE(written("folk", 1).tokens, written("chorale", 1).tokens);
  EXPECT_NE(written("folk", 2).tokens, written("folk", 1).tokens);
}

}  // namespace
}  // namespace euterpe
