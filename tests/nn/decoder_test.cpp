// The decoder runs without libtorch what libtorch trained: both must say the same.
#include <torch/torch.h>

#include "nn/decoder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"
#include "nn/transformer_module.hpp"

namespace euterpe {
namespace {

TransformerOptions shape() {
  TransformerOptions o;
  o.vocabulary = 61;
  o.d_model = 48;
  o.layers = 3;
  o.heads = 4;  // 12 numbers a head: no multiple of 8
  o.ff = 80;
  o.context = 48;
  o.dropout = 0.3;
  return o;
}

/// Weights large enough that attention and gates do not stay in their linear beginnings, norms that are not 1.
TransformerModule network(const TransformerOptions& options) {
  torch::manual_seed(3);
  at::set_num_threads(1);
  TransformerModule module(options);
  torch::NoGradGuard guard;
  for (auto& p : module->named_parameters()) {
    if (p.value().dim() > 1)
      p.value().mul_(6).copy_(p.value().to(torch::kBFloat16));  // what a model file keeps
    else
      p.value().copy_(torch::rand_like(p.value()) + 0.5);
  }
  return module;
}

Safetensors file_of(TransformerModule& module) {
  Safetensors file;
  for (auto& p : module->named_parameters()) {
    const auto t = p.value().detach().contiguous();
    file.put(p.key(), t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
             t.dim() > 1 ? DType::bf16 : DType::f32);
  }
  return file;
}

std::vector<int> some_tokens(int n, std::uint64_t seed) {
  Random random(seed);
  std::vector<int> out;
  for (int i = 0; i < n; ++i) out.push_back(static_cast<int>(random.below(61)));
  return out;
}

/// [time × vocabulary]
torch::Tensor reference(TransformerModule& module, const std::vector<int>& tokens) {
  torch::NoGradGuard guard;
  return module->forward(torch::tensor(tokens, torch::kInt64).unsqueeze(0), nullptr)[0];
}

double largest_difference(std::span<const float> logits, const torch::Tensor& expected) {
  const auto e = expected.contiguous();
  double worst = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    worst = std::max(worst, std::abs(double{logits[i]} - e.data_ptr<float>()[i]));
  return worst;
}

TEST(Decoder, says_what_the_trained_network_says_also_after_going_back) {
  const TransformerOptions options = shape();
  TransformerModule module = network(options);
  Decoder decoder(std::make_shared<TransformerWeights>(options, file_of(module)));
  auto tokens = some_tokens(40, 1);
  const auto expected = reference(module, tokens);
  const double spread = expected.std().item<double>();
  ASSERT_GT(spread, 0.5);
  for (int t = 0; t < 40; ++t)
    EXPECT_LT(largest_difference(decoder.step(tokens[static_cast<std::size_t>(t)]), expected[t]), 2e-4 * spread) << t;
  EXPECT_EQ(decoder.length(), 40);

  // Another ending after the first 25 tokens.
  decoder.rewind(25);
  const auto other = some_tokens(40, 2);
  std::copy(other.begin() + 25, other.end(), tokens.begin() + 25);
  const auto again = reference(module, tokens);
  EXPECT_GT((again[39] - expected[39]).abs().max().item<double>(), 0.1);
  for (int t = 25; t < 40; ++t)
    EXPECT_LT(largest_difference(decoder.step(tokens[static_cast<std::size_t>(t)]), again[t]), 2e-4 * spread) << t;
}

TEST(Transformer, does_not_see_the_future) {
  TransformerModule module = network(shape());
  auto tokens = some_tokens(30, 5);
  const auto before = reference(module, tokens);
  tokens[20] = (tokens[20] + 7) % 61;
  const auto after = reference(module, tokens);
  EXPECT_TRUE(torch::equal(before.slice(0, 0, 20), after.slice(0, 0, 20)));
  for (int t = 20; t < 30; ++t) EXPECT_FALSE(torch::equal(before[t], after[t])) << t;
}

TEST(Transformer, has_as_many_weights_as_it_says) {
  TransformerModule module = network(shape());
  std::int64_t n = 0;
  for (const auto& p : module->parameters()) n += p.numel();
  EXPECT_EQ(n, parameter_count(shape()));
}

TEST(Dropout, keeps_the_mean_drops_the_share_and_repeats_with_its_seed) {
  const auto x = torch::ones({1000, 101});
  Random a(1), b(1), c(2);
  const auto dropped = fast_dropout(x, 0.25, a);
  EXPECT_NEAR((dropped == 0).to(torch::kFloat32).mean().item<double>(), 0.25, 0.01);
  EXPECT_NEAR(dropped.mean().item<double>(), 1.0, 0.01);
  EXPECT_TRUE(torch::equal(dropped, fast_dropout(x, 0.25, b)));
  EXPECT_FALSE(torch::equal(dropped, fast_dropout(x, 0.25, c)));
  EXPECT_TRUE(torch::equal(x, fast_dropout(x, 0, c)));
}

TEST(Decoder, refuses_one_token_more_than_its_context) {
  const TransformerOptions options = shape();
  TransformerModule module = network(options);
  Decoder decoder(std::make_shared<TransformerWeights>(options, file_of(module)));
  for (int token : some_tokens(48, 1)) decoder.step(token);
  EXPECT_THROW(decoder.step(0), Error);
  decoder.rewind(0);
  EXPECT_NO_THROW(decoder.step(0));
}

TEST(TransformerWeights, that_do_not_fit_their_card_are_refused_by_name) {
  const TransformerOptions options = shape();
  TransformerModule module = network(options);
  const Safetensors good = file_of(module);
  auto refused = [](const TransformerOptions& o, const Safetensors& file, const std::string& word) {
    try {
      const TransformerWeights weights(o, file);
      ADD_FAILURE() << "was taken: " << word;
    } catch (const Error& e) {
      EXPECT_NE(e.detail().find(word), std::string::npos) << e.detail();
    }
  };
  for (const char* name : {"embedding", "final_norm", "block1.qkv", "block2.ff_norm"}) {
    Safetensors lacking = good;
    lacking.tensors.erase(name);
    refused(options, lacking, name);
  }
  TransformerOptions other = options;
  other.layers = 4;
  refused(other, good, "block3");
  other = options;
  other.vocabulary = 62;
  refused(other, good, "embedding");
  other = options;
  other.ff = 90;
  refused(other, good, "multiples");
}

}  // namespace
}  // namespace euterpe
