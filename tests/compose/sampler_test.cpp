#include "compose/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Logits of the probabilities 0.5, 0.25, 0.15, 0.07, 0.03, in another order.
const std::vector<double> kProbability{0.07, 0.5, 0.03, 0.25, 0.15};
std::vector<float> logits() {
  std::vector<float> out;
  for (double p : kProbability) out.push_back(static_cast<float>(std::log(p) + 3.0));
  return out;
}
const std::vector<std::uint8_t> kAll(5, 1);

std::map<int, int> draws(const SamplingOptions& options, const std::vector<std::uint8_t>& allowed = kAll,
                         int n = 4000) {
  Sampler sampler(options);
  Random random(17);
  std::map<int, int> out;
  const auto l = logits();
  for (int i = 0; i < n; ++i) ++out[sampler.draw(l, allowed, random)];
  return out;
}

std::set<int> tokens(const std::map<int, int>& counts) {
  std::set<int> out;
  for (const auto& [token, count] : counts) out.insert(token);
  return out;
}

SamplingOptions plain() {
  SamplingOptions o;
  o.top_p = 1;
  return o;
}

TEST(Sampler, draws_by_the_models_probabilities) {
  for (const auto& [token, count] : draws(plain()))
    EXPECT_NEAR(count / 4000.0, kProbability[static_cast<std::size_t>(token)], 0.025) << token;
}

TEST(Sampler, sharpens_with_a_low_temperature_as_the_power_law_says) {
  auto o = plain();
  o.temperature = 0.5;
  double total = 0;
  for (double p : kProbability) total += p * p;
  for (const auto& [token, count] : draws(o)) {
    const double p = kProbability[static_cast<std::size_t>(token)];
    EXPECT_NEAR(count / 4000.0, p * p / total, 0.025) << token;
  }
}

TEST(Sampler, with_top_k_1_always_takes_the_likeliest) {
  auto o = plain();
  o.top_k = 1;
  o.temperature = 10;
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1}));
  EXPECT_EQ(tokens(draws(o, {1, 0, 1, 1, 1})), (std::set<int>{3}));
}

TEST(Sampler, cuts_by_top_k_top_p_and_min_p_as_documented) {
  auto o = plain();
  o.top_k = 3;
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1, 3, 4}));
  o = plain();
  o.top_p = 0.7;  // 0.5 is not enough, 0.75 is
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1, 3}));
  o.top_p = 0.8;
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1, 3, 4}));
  o.top_p = 1e-9;  // the likeliest always stays
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1}));
  o = plain();
  o.min_p = 0.2;  // of 0.5: what lies below 0.1 goes
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1, 3, 4}));
  o.min_p = 0.4;
  EXPECT_EQ(tokens(draws(o)), (std::set<int>{1, 3}));
}

TEST(Sampler, never_draws_what_is_not_allowed) {
  EXPECT_EQ(tokens(draws(plain(), {1, 0, 1, 0, 1})), (std::set<int>{0, 2, 4}));
  EXPECT_EQ(tokens(draws(plain(), {0, 0, 1, 0, 0})), (std::set<int>{2}));
}

TEST(LogProbability, is_shared_out_among_the_allowed) {
  const std::vector<std::uint8_t> allowed{1, 0, 1, 1, 1};
  EXPECT_NEAR(log_probability(logits(), allowed, 3), std::log(0.25 / 0.5), 1e-5);
  EXPECT_NEAR(log_probability(logits(), kAll, 1), std::log(0.5), 1e-5);
}

TEST(Sampler, refuses_options_out_of_range) {
  auto refused = [](auto change, const char* word) {
    SamplingOptions o;
    change(o);
    try {
      Sampler sampler(o);
      ADD_FAILURE() << word;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage);
      EXPECT_NE(e.detail().find(word), std::string::npos) << e.detail();
    }
  };
  for (double t : {0.0, -1.0, 11.0, std::nan("")}) refused([&](auto& o) { o.temperature = t; }, "temperature");
  refused([](auto& o) { o.top_k = -1; }, "top-k");
  for (double p : {0.0, 1.1, std::nan("")}) refused([&](auto& o) { o.top_p = p; }, "top-p");
  for (double p : {-0.1, 1.0, std::nan("")}) refused([&](auto& o) { o.min_p = p; }, "min-p");
}

}  // namespace
}  // namespace euterpe
