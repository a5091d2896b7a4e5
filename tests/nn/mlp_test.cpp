#include "nn/mlp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

/// Two inputs, two hidden units, two classes, worked by hand below.
Mlp small() {
  Mlp mlp;
  mlp.mean = {1, 2};
  mlp.deviation = {2, 4};
  mlp.layers.push_back({2, 2, {1, 0, 0, -1}, {0, 0.5f}});
  mlp.layers.push_back({2, 2, {1, 2, 3, 4}, {0.25f, -0.25f}});
  return mlp;
}

MlpEnsemble random_ensemble(std::size_t inputs) {
  Random random(3);
  const auto numbers = [&](std::size_t n) {
    std::vector<float> v(n);
    for (float& x : v) x = bf16_to_float(float_to_bf16(static_cast<float>(random.normal())));
    return v;
  };
  MlpEnsemble ensemble;
  for (int m = 0; m < 3; ++m) {
    Mlp mlp{numbers(inputs), std::vector<float>(inputs, 1.5f), {}, 0.5 + m};
    mlp.layers.push_back({inputs, 7, numbers(7 * inputs), numbers(7)});
    mlp.layers.push_back({7, 4, numbers(28), numbers(4)});
    ensemble.members.push_back(mlp);
  }
  return ensemble;
}

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

TEST(Mlp, ComputesStandardizationLayersAndGelu) {
  const std::array<float, 2> x{3, 6};  // standardized: 1, 1
  const double a = gelu(1), b = gelu(-0.5);
  const auto hidden = small().hidden(x);
  EXPECT_NEAR(hidden[0], a, 1e-6);
  EXPECT_NEAR(hidden[1], b, 1e-6);
  const auto logits = small().logits(x);
  EXPECT_NEAR(logits[0], a + 2 * b + 0.25, 1e-6);
  EXPECT_NEAR(logits[1], 3 * a + 4 * b - 0.25, 1e-6);
}

TEST(Mlp, AddsUpRowsThatAreNoMultipleOfTheVectorWidth) {
  for (std::size_t n : {1u, 15u, 16u, 17u, 100u}) {
    Mlp mlp;
    mlp.mean.assign(n, 0.0f);
    mlp.deviation.assign(n, 1.0f);
    mlp.layers.push_back({n, 1, std::vector<float>(n), {0.5f}});
    std::vector<float> x(n);
    double expected = 0.5;
    for (std::size_t i = 0; i < n; ++i) {
      mlp.layers[0].weight[i] = static_cast<float>(i + 1);
      x[i] = 1.0f / static_cast<float>(i + 1) - 0.01f;
      expected += static_cast<double>(mlp.layers[0].weight[i]) * x[i];
    }
    EXPECT_NEAR(mlp.logits(x)[0], expected, 1e-3) << n;
  }
}

TEST(Mlp, CutsWhatIsFarFromEverythingItLearnedAndIgnoresWhatIsNoNumber) {
  const std::array<float, 2> far{1e30f, 2}, nearer{1 + 2 * Mlp::kClip, 2};
  EXPECT_EQ(small().logits(far), small().logits(nearer));
  const std::array<float, 2> broken{std::numeric_limits<float>::quiet_NaN(), 2}, mean{1, 2};
  EXPECT_EQ(small().logits(broken), small().logits(mean));
}

TEST(Softmax, SumsToOneWithoutOverflowAndFlattensWithTemperature) {
  const std::array<float, 3> logits{1000, 999, -1000};
  const auto p = softmax(logits), warm = softmax(logits, 10);
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
  EXPECT_NEAR(p[0], 1 / (1 + std::exp(-1.0)), 1e-9);
  EXPECT_LT(warm[0], p[0]);
  EXPECT_GT(warm[0], warm[1]);
}

TEST(MlpEnsemble, AnswersWithTheMeanOfItsMembers) {
  const MlpEnsemble ensemble = random_ensemble(5);
  const std::array<float, 5> x{1, -1, 0.5f, 0, 2};
  const auto p = ensemble.probabilities(x);
  double mean = 0;
  for (const Mlp& member : ensemble.members) mean += member.probabilities(x)[2] / 3;
  EXPECT_NEAR(p[2], mean, 1e-12);
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
}

TEST(MlpEnsemble, ReadsBackWhatItWrote) {
  const MlpEnsemble ensemble = random_ensemble(5);
  Safetensors file;
  ensemble.put(file);
  const MlpEnsemble back = MlpEnsemble::from(read_safetensors(write_safetensors(file)));
  ASSERT_EQ(back.members.size(), 3u);
  const std::array<float, 5> x{1, -1, 0.5f, 0, 2};
  EXPECT_EQ(back.probabilities(x), ensemble.probabilities(x));
}

TEST(MlpEnsemble, NamesTheTensorThatDoesNotFit) {
  const auto loading_fails_on = [](auto&& damage, const std::string& tensor) {
    Safetensors file;
    random_ensemble(5).put(file);
    damage(file);
    try {
      MlpEnsemble::from(file);
      ADD_FAILURE() << tensor << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), Category::bad_input);
      EXPECT_NE(std::string(error.what()).find(tensor), std::string::npos) << error.what();
    }
  };
  const std::vector<float> zeros(5, 0.0f), nan(7, std::numeric_limits<float>::quiet_NaN()), wide(28, 0.0f);
  loading_fails_on([](Safetensors& f) { f.tensors.clear(); }, "member.0.mean");
  loading_fails_on([](Safetensors& f) { f.tensors.erase("member.1.layer.0.bias"); }, "member.1.layer.0.bias");
  loading_fails_on([&](Safetensors& f) { f.put("member.2.deviation", {5}, zeros); }, "member.2.deviation");
  loading_fails_on([&](Safetensors& f) { f.put("member.0.layer.0.bias", {7}, nan); }, "member.0.layer.0.bias");
  loading_fails_on([&](Safetensors& f) { f.put("member.0.layer.1.weight", {7, 4}, wide); }, "member.0.layer.1.weight");
  loading_fails_on([&](Safetensors& f) { f.put("member.0.layer.1.weight", {28}, wide); }, "member.0.layer.1.weight");
}

}  // namespace
}  // namespace euterpe
