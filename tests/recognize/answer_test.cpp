#include "recognize/answer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace euterpe {
namespace {

Answer style(double pop, double unknown) {
  return {"style", Answer::Kind::probabilities, {{"pop", pop}, {"rock", 1 - pop}}, unknown, "model", "hash", true};
}

TEST(Answer, SurvivesJsonBitForBit) {
  Answer answer = style(0.1 + 0.2, 0.123456789012345678);
  std::swap(answer.values[0], answer.values[1]);  // largest first
  const auto text = nlohmann::json(answer).dump();
  EXPECT_EQ(nlohmann::json::parse(text).get<Answer>(), answer);
}

TEST(Answer, SaysUnknownFromOneHalfOn) {
  EXPECT_EQ(best_label(style(0.9, 0.49)), "pop");
  EXPECT_EQ(best_label(style(0.9, 0.5)), "unknown");
  EXPECT_EQ(nlohmann::json(style(0.9, 0.7))["answer"], "unknown");
  EXPECT_EQ(nlohmann::json(style(0.9, 0.7))["values"]["pop"], 0.9);  // the values stand beside it
}

TEST(Answer, TheMeanOfPartsHasItsLargestValueFirst) {
  const Answer mean = mean_answer({style(0.9, 0), style(0.0, 0.5)});
  EXPECT_EQ(mean.values.front().first, "rock");
  EXPECT_NEAR(mean.values.front().second, 0.55, 1e-12);
  EXPECT_NEAR(mean.unknown, 0.25, 1e-12);
  EXPECT_EQ(mean.model_hash, "hash");
}

TEST(Answer, ValenceStandsBeforeArousalWhicheverIsLarger) {
  for (const double valence : {-0.5, 0.5}) {
    Answer answer{kValenceArousal, Answer::Kind::values, {{"arousal", 0.1}, {"valence", valence}}, 0, "m", "h", true};
    put_in_order(answer);
    EXPECT_EQ(answer.values.front().first, "valence");
    EXPECT_EQ(nlohmann::json::parse(nlohmann::json(answer).dump()).get<Answer>(), answer);
    EXPECT_EQ(mean_answer({answer}).values, answer.values);
  }
}

TEST(Answer, InWordsSaysUnknownAndWhatIsNearest) {
  EXPECT_EQ(in_words(style(0.9, 0.2)), "pop 0.90, rock 0.10");
  EXPECT_EQ(in_words(style(0.9, 0.7)), "unknown 0.70 (nearest: pop 0.90, rock 0.10)");
}

TEST(Answer, ADamagedOneIsNoAnswer) {
  nlohmann::json json = style(0.5, 0);
  json.erase("values");
  EXPECT_THROW(json.get<Answer>(), nlohmann::json::exception);
}

}  // namespace
}  // namespace euterpe
