#include "compose/usual_sampling.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace euterpe {
namespace {

const nlohmann::json kCard{{"name", "mine"},
                           {"sampling", {{"pop", {{"temperature", 0.9}, {"top_p", 1.0}}}, {"folk", {{"top_p", 0.95}}}}},
                           {"emotion_guidance", 2.5}};

TEST(UsualSampling, is_what_the_card_says_of_the_style) {
  const UsualSampling usual(kCard);
  EXPECT_EQ(usual.with({}, "pop", false).temperature, 0.9);
  EXPECT_EQ(usual.with({}, "pop", false).top_p, 1.0);
  EXPECT_EQ(usual.with({}, "folk", false).temperature, SamplingOptions().temperature);
  EXPECT_EQ(usual.with({}, "folk", false).top_p, 0.95);
  EXPECT_EQ(usual.with({}, "drums", false).top_p, SamplingOptions().top_p);
  EXPECT_EQ(UsualSampling(nlohmann::json::object()).with({}, "pop", true).guidance, 1);
}

TEST(UsualSampling, guides_only_what_has_an_emotion) {
  const UsualSampling usual(kCard);
  EXPECT_EQ(usual.with({}, "pop", false).guidance, 1);
  EXPECT_EQ(usual.with({}, "pop", true).guidance, 2.5);
}

TEST(UsualSampling, gives_way_to_what_is_asked) {
  SamplingWishes asked;
  asked.temperature = 1.2;
  asked.guidance = 1;
  asked.top_k = 7;
  const SamplingOptions drawn = UsualSampling(kCard).with(asked, "pop", true);
  EXPECT_EQ(drawn.temperature, 1.2);
  EXPECT_EQ(drawn.guidance, 1);
  EXPECT_EQ(drawn.top_k, 7);
  EXPECT_EQ(drawn.top_p, 1.0);
}

TEST(UsualSampling, refuses_a_card_that_makes_no_sense) {
  const std::vector<nlohmann::json> wrong{{{"sampling", {{"pop", {{"temperature", -1}}}}}},
                                          {{"sampling", {{"pop", {{"top_p", "much"}}}}}},
                                          {{"sampling", {{"pop", 3}}}},
                                          {{"sampling", 3}},
                                          {{"emotion_guidance", -4}}};
  for (nlohmann::json card : wrong) {
    card["name"] = "mine";
    try {
      UsualSampling usual(card);
      FAIL() << card;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input) << card;
      EXPECT_NE(e.detail().find("mine"), std::string::npos) << card;
    }
  }
}

}  // namespace
}  // namespace euterpe
