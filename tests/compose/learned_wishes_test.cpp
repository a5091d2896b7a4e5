#include "compose/learned_wishes.hpp"

#include <cmath>

#include "compose/default_composer.hpp"
#include "compose/with_composer.hpp"
#include "corpus/music.hpp"

namespace euterpe {
namespace {

using LearnedWishes = test::WithComposer;

TEST_F(LearnedWishes, ATransformerRefusesWhatItHasNotLearnedAndNamesWhoHas) {
  const Score piece = test::walk(2, 6);
  const auto refused = [&](const ComposeOptions& o, Wish wish, const std::string& word) {
    EXPECT_EQ(asked_wishes(o), std::vector<Wish>{wish}) << word;
    test::expect_refused(composer, o, Category::usage, word);
    try {
      const std::vector<std::uint64_t> seeds{1, 2};
      composer.compose_variants(o, seeds);
      ADD_FAILURE() << word;
    } catch (const Error& e) {
      EXPECT_NE(e.hint().find("--model vae"), std::string::npos) << e.hint();
    }
    EXPECT_STREQ(default_composer(o).c_str(), kVaeComposer) << word;
  };
  ComposeOptions o = test::wish("folk", 2, 1);
  o.vary = &piece;
  refused(o, Wish::vary, "tiny has not learned to vary a piece");
  o = test::wish("folk", 2, 1);
  o.transfer = &piece;
  refused(o, Wish::transfer, "another style");
  o = test::wish("folk", 2, 1);
  o.blend_from = o.blend_to = &piece;
  refused(o, Wish::blend, "from one piece to another");
  o = test::wish("folk", 2, 1);
  o.polyphony = 3;
  refused(o, Wish::polyphony, "polyphony");
}

TEST_F(LearnedWishes, WhatIsOutOfRangeOrDoesNotGoTogetherIsRefusedWhateverTheModel) {
  const Score piece = test::walk(2, 6);
  const auto refused = [&](auto&& change, const std::string& word) {
    ComposeOptions o = test::wish("folk", 2, 1);
    change(o);
    test::expect_refused(composer, o, Category::usage, word);
  };
  refused([&](ComposeOptions& o) { o.vary = &piece, o.amount = 1.1; }, "amount 1.1");
  refused([&](ComposeOptions& o) { o.vary = &piece, o.amount = std::nan(""); }, "amount nan");
  refused([&](ComposeOptions& o) { o.blend_from = o.blend_to = &piece, o.share = -0.5; }, "share -0.5");
  refused([&](ComposeOptions& o) { o.blend_from = &piece; }, "two pieces");
  refused([&](ComposeOptions& o) { o.polyphony = 0.9; }, "polyphony 0.9");
  refused([&](ComposeOptions& o) { o.transfer = &piece, o.style.clear(); }, "style");
  refused([&](ComposeOptions& o) { o.vary = o.transfer = &piece; }, "do not go together");
  refused([&](ComposeOptions& o) { o.vary = &piece, o.tempo = 100; }, "do not go with a piece that is given");
}

TEST(LearnedWish, NothingIsAskedOfAPlainPieceAndAllOfAFullOne) {
  EXPECT_TRUE(asked_wishes({}).empty());
  const Score piece;
  ComposeOptions o;
  o.prompt = o.melody = o.gap_in = o.vary = o.transfer = o.blend_from = o.blend_to = &piece;
  o.chords = {{Chord{}}};
  o.emotion = 0;
  o.density = o.height = o.polyphony = 4;
  const std::vector<Wish> all = asked_wishes(o);
  EXPECT_EQ(all.size(), 11u);
  EXPECT_NO_THROW(require_learned(o, all, "any"));
  EXPECT_THROW(require_learned(o, std::span(all).first(10), "any"), Error);
}

}  // namespace
}  // namespace euterpe
