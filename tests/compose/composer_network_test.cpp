#include "compose/composer_network.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "compose/compose.hpp"
#include "compose/tiny_composer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

Token bar(const char* meter) { return V::token(TokenKind::bar, *remi_meter(meter)); }
Token control(const char* meter) { return V::token(TokenKind::meter, *remi_meter(meter)); }

class UnmetMeters : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  Model model = [this] {
    test::save_tiny_composer(folder / "tiny");
    return find_model((folder / "tiny").string());
  }();

  ComposerNetwork network(const std::vector<int>& unmet) const {
    return ComposerNetwork(transformer_options(model.card.at("options")), model.weights(),
                           tokens_of_vocabulary(V::kName), unmet);
  }
  /// A piece in 7/8 by the model with this card. \param scale of the rows of 7/8
  std::vector<Token> in_seven(const nlohmann::json& unmet, float scale) const {
    Safetensors file = model.weights();
    std::vector<float> rows = file.floats("embedding");
    for (const Token t : {bar("7/8"), control("7/8")})
      for (std::size_t i = t * 32U; i < (t + 1) * 32U; ++i) rows[i] *= scale;
    file.put("embedding", {V::size(), 32}, rows, DType::bf16);
    nlohmann::json card = model.card;
    if (!unmet.is_null()) card["unmet"] = unmet;
    save_model(folder / "changed", file, card);
    ComposeOptions wish;
    wish.style = "folk";
    wish.bars = 4;
    wish.meter = "7/8";
    return Composer(find_model((folder / "changed").string())).compose(wish).tokens;
  }
};

TEST_F(UnmetMeters, are_read_as_the_one_whose_bars_are_most_nearly_as_long) {
  const auto all = network({});
  for (int m = 0; m < V::count(TokenKind::bar); ++m) EXPECT_TRUE(all.met(V::token(TokenKind::bar, m)));
  const auto some = network({bar("7/8"), bar("7/4"), bar("4/8"), control("5/4")});
  EXPECT_FALSE(some.met(bar("7/8")));
  EXPECT_TRUE(some.knows(bar("7/8")));
  EXPECT_EQ(some.number(bar("7/8")), some.number(bar("4/4")));  // as near as 3/4, and longer
  EXPECT_EQ(some.number(bar("7/4")), some.number(bar("4/2")));
  EXPECT_EQ(some.number(bar("4/8")), some.number(bar("2/4")));
  EXPECT_TRUE(some.met(bar("5/4")));
}

TEST_F(UnmetMeters, are_asked_for_by_the_meter_of_the_bars_that_stand_for_them) {
  const auto some = network({bar("7/8"), control("5/4")});
  EXPECT_EQ(some.number(control("7/8")), some.number(control("4/4")));
  EXPECT_TRUE(some.met(control("5/4")));  // its bars were met
}

TEST_F(UnmetMeters, stay_as_they_are_where_no_bar_was_met) {
  std::vector<int> none;
  for (int m = 0; m < V::count(TokenKind::bar); ++m) none.push_back(V::token(TokenKind::bar, m));
  EXPECT_TRUE(network(none).met(bar("7/8")));
}

TEST_F(UnmetMeters, stand_in_the_card_and_their_rows_are_not_read) {
  const nlohmann::json seven{bar("7/8"), control("7/8")};
  EXPECT_EQ(in_seven(seven, 1), in_seven(seven, 30));
  EXPECT_NE(in_seven({}, 1), in_seven({}, 30));
  EXPECT_NE(in_seven(seven, 1), in_seven({}, 1));
}

TEST_F(UnmetMeters, that_are_no_tokens_are_refused) {
  for (const int number : {-1, V::size()}) {
    try {
      network({number});
      ADD_FAILURE() << number;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
    }
  }
}

}  // namespace
}  // namespace euterpe
