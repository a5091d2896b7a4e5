// The decoder runs without libtorch what libtorch trained: both must say the same.
#include <torch/torch.h>

#include "nn/decoder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"
#include "nn/model.hpp"
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

// The cache keeps keys and values as bf16: 1/256 of each at most, of which attention averages many.
constexpr double kCacheRounding = 2e-2;

TEST(Decoder, says_what_the_trained_network_says_also_after_going_back) {
  const TransformerOptions options = shape();
  TransformerModule module = network(options);
  Decoder decoder(std::make_shared<TransformerWeights>(options, file_of(module)));
  auto tokens = some_tokens(40, 1);
  const auto expected = reference(module, tokens);
  const double spread = expected.std().item<double>();
  ASSERT_GT(spread, 0.5);
  for (int t = 0; t < 40; ++t)
    EXPECT_LT(largest_difference(decoder.step(tokens[static_cast<std::size_t>(t)]), expected[t]),
              kCacheRounding * spread)
        << t;
  EXPECT_EQ(decoder.length(), 40);

  // Another ending after the first 25 tokens.
  decoder.rewind(25);
  const auto other = some_tokens(40, 2);
  std::copy(other.begin() + 25, other.end(), tokens.begin() + 25);
  const auto again = reference(module, tokens);
  EXPECT_GT((again[39] - expected[39]).abs().max().item<double>(), 0.1);
  for (int t = 25; t < 40; ++t)
    EXPECT_LT(largest_difference(decoder.step(tokens[static_cast<std::size_t>(t)]), again[t]), kCacheRounding * spread)
        << t;
}

TEST(Decoder, says_the_same_of_a_prompt_read_at_once) {
  const TransformerOptions options = shape();
  TransformerModule module = network(options);
  const auto weights = std::make_shared<TransformerWeights>(options, file_of(module));
  const auto tokens = some_tokens(40, 1);
  const auto expected = reference(module, tokens);
  const double spread = expected.std().item<double>();
  for (const std::size_t n : {1u, 2u, 7u, 12u, 13u, 25u, 40u}) {
    Decoder decoder(weights);
    EXPECT_LT(largest_difference(decoder.prefill(std::span(tokens).first(n)), expected[static_cast<int>(n) - 1]),
              kCacheRounding * spread)
        << n;
    EXPECT_EQ(decoder.length(), static_cast<int>(n));
  }
}

std::vector<MusicPlace> some_places(int n) {
  Random random(4);
  std::vector<MusicPlace> out;
  for (int i = 0; i < n; ++i) out.push_back({static_cast<int>(random.below(400)), static_cast<int>(random.below(128))});
  return out;
}

TEST(Decoder, attends_by_musical_time_and_pitch_as_the_trained_network_does) {
  TransformerOptions options = shape();
  options.d_model = 128;  // 32 numbers a head: all kinds of pairs
  options.musical = true;
  TransformerModule module = network(options);
  const auto weights = std::make_shared<TransformerWeights>(options, file_of(module));
  const auto tokens = some_tokens(40, 1);
  const auto places = some_places(40);
  torch::NoGradGuard guard;
  const auto batch = torch::tensor(tokens, torch::kInt64).unsqueeze(0);
  const auto expected = module->forward(batch, nullptr, 0, places)[0];
  const double spread = expected.std().item<double>();
  EXPECT_GT((expected - module->forward(batch, nullptr)[0]).abs().max().item<double>(), 0.5 * spread);
  Decoder steps(weights), prompt(weights);
  for (std::size_t t = 0; t < 40; ++t)
    EXPECT_LT(largest_difference(steps.step(tokens[t], places[t]), expected[static_cast<int>(t)]),
              kCacheRounding * spread)
        << t;
  EXPECT_LT(largest_difference(prompt.prefill(tokens, places), expected[39]), kCacheRounding * spread);
}

TEST(Decoder, minds_how_far_apart_in_the_music_tokens_are_and_not_where_that_is) {
  TransformerOptions options = shape();
  options.d_model = 128;
  options.musical = true;
  TransformerModule module = network(options);
  const auto weights = std::make_shared<TransformerWeights>(options, file_of(module));
  const auto tokens = some_tokens(20, 1);
  auto places = some_places(20), later = places, other = places;
  for (MusicPlace& p : later) p = {p.time + 4711, p.pitch + 5};
  other[3].time += 12;
  Decoder here(weights), there(weights), elsewhere(weights);
  const auto logits = here.prefill(tokens, places), moved = there.prefill(tokens, later),
             changed = elsewhere.prefill(tokens, other);
  double least = 0, most = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    least = std::max(least, std::abs(double{logits[i]} - moved[i]));
    most = std::max(most, std::abs(double{logits[i]} - changed[i]));
  }
  EXPECT_LT(least, 0.2 * most);
}

TEST(Decoder, with_weights_of_eight_bits_says_nearly_the_same) {
  const TransformerOptions options = shape();
  TransformerModule module = network(options);
  Decoder decoder(std::make_shared<TransformerWeights>(options, file_of(module), WeightFormat::int8));
  const auto tokens = some_tokens(40, 1);
  const auto expected = reference(module, tokens);
  const double spread = expected.std().item<double>();
  for (int t = 0; t < 40; ++t)
    EXPECT_LT(largest_difference(decoder.step(tokens[static_cast<std::size_t>(t)]), expected[t]), 0.2 * spread) << t;
}

TEST(Decoder, says_what_the_shipped_composer_was_trained_to_say) {
  const Model model = find_model("composer");
  const TransformerOptions options = transformer_options(model.card.at("options"));
  const Safetensors file = model.weights();
  TransformerModule module(options);
  torch::NoGradGuard guard;
  for (auto& p : module->named_parameters())
    p.value().copy_(torch::tensor(file.floats(p.key())).view(p.value().sizes()));
  const auto tokens = some_tokens(100, 4);
  const auto expected = torch::log_softmax(reference(module, tokens), -1);
  const auto probability = expected.exp();
  for (const auto& [format, nats] : {std::pair{WeightFormat::bf16, 1e-4}, std::pair{WeightFormat::int8, 2e-3}}) {
    const auto weights = std::make_shared<TransformerWeights>(options, file, format);
    Decoder steps(weights), prompt(weights);
    double divergence = 0;  // of the next token, from what libtorch says: mean Kullback-Leibler
    for (int t = 0; t < 100; ++t) {
      const auto logits = steps.step(tokens[static_cast<std::size_t>(t)]);
      const auto said = torch::log_softmax(torch::tensor(std::vector<float>(logits.begin(), logits.end())), -1);
      divergence += (probability[t] * (expected[t] - said)).sum().item<double>() / 100;
    }
    EXPECT_LT(divergence, nats);
    const auto last = prompt.prefill(tokens);
    const auto said = torch::log_softmax(torch::tensor(std::vector<float>(last.begin(), last.end())), -1);
    EXPECT_LT((probability[99] * (expected[99] - said)).sum().item<double>(), 5 * nats);
    RecordProperty(format == WeightFormat::bf16 ? "nats_bf16" : "nats_int8", std::to_string(divergence));
  }
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
