#include "evaluate/simulated_responses.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.hpp"
#include "evaluate/logistic.hpp"

namespace euterpe {
namespace {

/// 60 listeners of items 0–9 or 10–19; item 20 is heard by nobody.
std::vector<History> two_tastes() {
  std::vector<History> histories;
  for (int user = 0; user < 60; ++user) {
    History history;
    for (int k = 0; k < 6; ++k) history.push_back(user % 2 * 10 + (user + k) % 10);
    histories.push_back(history);
  }
  return histories;
}

TEST(SimulatedResponses, ListenersAnswerToTheirTasteWithTheMeanAskedFor) {
  const SimulatedResponses responses =
      simulate_responses(two_tastes(), 21, {.items = 20, .rank = 2, .mean = 0.2, .listener = 0, .pair = 0});
  ASSERT_EQ(responses.users, 60u);
  ASSERT_EQ(responses.items.size(), 20u);
  double own = 0, other = 0;
  for (std::size_t u = 0; u < responses.users; ++u)
    for (std::size_t i = 0; i < responses.items.size(); ++i)
      (responses.items[i] / 10 == static_cast<int>(u % 2) ? own : other) +=
          static_cast<double>(responses.at(u, i)) / 600;
  EXPECT_NEAR((own + other) / 2, 0.2, 1e-4);
  EXPECT_GT(own, 3 * other);
}

TEST(SimulatedResponses, NoiseIsAllThatTheSeedChanges) {
  ResponseSimulation options{.items = 20, .rank = 2};
  const auto one = simulate_responses(two_tastes(), 21, options);
  EXPECT_EQ(one.probability, simulate_responses(two_tastes(), 21, options).probability);
  options.seed = 1;
  EXPECT_NE(one.probability, simulate_responses(two_tastes(), 21, options).probability);
  EXPECT_THROW(simulate_responses({{0}}, 1, {}), Error);
}

TEST(Logistic, FindsTheLogOddsOfWeightedGroups) {
  // Column 1 tells two groups apart: 3 of 4 and 1 of 4 say yes, the latter's yes counting three times: 3 of 6.
  const std::vector<float> x{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0}, y{1, 1, 1, 0, 1, 0, 0, 0};
  const std::vector<double> weights{1, 1, 1, 1, 3, 1, 1, 1};
  const auto coefficients = fit_logistic(x, y, weights, 2, 1e-9);
  EXPECT_NEAR(predict_logistic(std::span(x).first(2), coefficients), 0.75, 1e-6);
  EXPECT_NEAR(predict_logistic(std::span(x).last(2), coefficients), 0.5, 1e-6);
  const auto held_back = fit_logistic(x, y, weights, 2, 1e6);
  EXPECT_NEAR(held_back[0], 0, 1e-4) << "regularization draws to nothing";
}

}  // namespace
}  // namespace euterpe
