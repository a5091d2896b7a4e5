#include <torch/torch.h>

#include "nn/fused_module.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "nn/transformer_module.hpp"

namespace euterpe {
namespace {
using torch::Tensor;

/// Result and gradients of f and of the plain expression agree for the same inputs and the same gradient from above.
template <class F, class G>
void agree(std::vector<Tensor> inputs, F&& f, G&& plain, double tolerance = 1e-5) {
  auto run = [&](auto&& what) {
    std::vector<Tensor> leaves, out;
    for (const Tensor& t : inputs) leaves.push_back(t.clone().set_requires_grad(true));
    const Tensor y = what(leaves);
    torch::manual_seed(9);
    y.backward(torch::randn_like(y));
    out.push_back(y.detach());
    for (const Tensor& t : leaves) out.push_back(t.grad());
    return out;
  };
  const auto mine = run(f), expected = run(plain);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    ASSERT_EQ(mine[i].sizes(), expected[i].sizes()) << i;
    const double scale = expected[i].abs().max().template item<double>();
    EXPECT_LT((mine[i] - expected[i]).abs().max().template item<double>(), tolerance * std::max(1.0, scale)) << i;
  }
}

class Fused : public ::testing::Test {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    torch::manual_seed(4);
  }
};

TEST_F(Fused, norm_has_the_plain_expressions_gradient) {
  agree(
      {torch::randn({3, 130, 48}) * 3, torch::rand({48}) + 0.5}, [](auto& in) { return fused_norm(in[0], in[1]); },
      [](auto& in) { return in[0] * torch::rsqrt(in[0].square().mean(-1, true) + kNormEpsilon) * in[1]; });
}

TEST_F(Fused, swiglu_has_the_plain_expressions_gradient) {
  agree(
      {torch::randn({2, 150, 38}) * 4}, [](auto& in) { return fused_swiglu(in[0]); },
      [](auto& in) {
        const auto halves = in[0].chunk(2, -1);
        return torch::silu(halves[0]) * halves[1];
      });
  const Tensor far = torch::tensor({{-200.0f, 100.0f, 2.0f, 3.0f}});  // silu(−200) · 2, silu(100) · 3
  EXPECT_TRUE(torch::allclose(fused_swiglu(far), torch::tensor({{0.0f, 300.0f}}), 1e-6, 1e-20));
}

TEST_F(Fused, attention_has_the_plain_expressions_gradient_over_several_blocks) {
  for (const std::int64_t half : {5, 32})
    for (const bool bf16 : {false, true}) {
      const std::int64_t time = 300, heads = 2;
      const Tensor angle = torch::randn({time, half}), cosine = angle.cos(), sine = angle.sin();
      agree(
          {torch::randn({2, time, 3, heads, 2 * half})},
          [&](auto& in) {
            const Tensor qkv = bf16 ? in[0].to(torch::kBFloat16) : in[0];
            return causal_attention(qkv, cosine, sine).to(torch::kFloat32);
          },
          [&](auto& in) {
            auto rotate = [&](const Tensor& x) {
              const auto h = x.chunk(2, -1);
              return torch::cat({h[0] * cosine - h[1] * sine, h[1] * cosine + h[0] * sine}, -1);
            };
            const Tensor parts = in[0].permute({2, 0, 3, 1, 4});
            const Tensor mask = torch::full({time, time}, -INFINITY).triu(1);
            const Tensor scores =
                torch::matmul(rotate(parts[0]), rotate(parts[1]).transpose(-2, -1)) / std::sqrt(2.0 * half) + mask;
            return torch::matmul(torch::softmax(scores, -1), parts[2]).transpose(1, 2).reshape({2, time, -1});
          },
          bf16 ? 0.02 : 3e-5);
    }
}

TEST_F(Fused, ragged_attention_is_that_of_each_sequence_alone) {
  const std::int64_t heads = 2, half = 8;
  const Tensor begins = torch::tensor({0, 1, 60, 63, 163}, torch::kInt64);
  const Tensor angle = torch::randn({100, half}), cosine = angle.cos(), sine = angle.sin();
  agree(
      {torch::randn({163, 3, heads, 2 * half})},
      [&](auto& in) { return ragged_causal_attention(in[0], begins, cosine, sine); },
      [&](auto& in) {
        std::vector<Tensor> out;
        for (std::int64_t b = 0; b + 1 < begins.numel(); ++b) {
          const auto first = begins[b].item<std::int64_t>(), time = begins[b + 1].item<std::int64_t>() - first;
          out.push_back(causal_attention(in[0].narrow(0, first, time).unsqueeze(0), cosine.narrow(0, 0, time),
                                         sine.narrow(0, 0, time))
                            .squeeze(0));
        }
        return torch::cat(out);
      },
      1e-6);
}

TEST_F(Fused, cross_entropy_has_libtorchs_value_and_gradient) {
  const Tensor targets = torch::randint(0, 37, {270}, torch::kInt64);
  const Tensor logits = torch::randn({270, 37}) * 5;
  // The last factor lets the gradient from above be something else than 1.
  agree(
      {logits}, [&](auto& in) { return consume_cross_entropy((in[0] * 1.0).contiguous(), targets, 5) * 3; },
      [&](auto& in) {
        return torch::nn::functional::cross_entropy(in[0], targets,
                                                    torch::nn::functional::CrossEntropyFuncOptions().ignore_index(5)) *
               3;
      });
  EXPECT_EQ(consume_cross_entropy(logits.clone(), torch::full({270}, 5, torch::kInt64), 5).item<double>(), 0);
}

TEST_F(Fused, products_in_bf16_are_those_of_float32_to_its_precision) {
  agree(
      {torch::randn({4, 33, 64}), torch::randn({48, 64})},
      [](auto& in) { return mixed_linear(in[0].to(torch::kBFloat16), in[1]).to(torch::kFloat32); },
      [](auto& in) { return torch::linear(in[0], in[1]); }, 0.01);
}

TEST_F(Fused, dropout_drops_the_asked_share_and_the_same_in_the_gradient) {
  const Dropout dropout{0.25, 77, 0};
  const Tensor x = torch::ones({4, 50, 64}).set_requires_grad(true), add = torch::zeros({4, 50, 64});
  const Tensor y = dropped(x, add, &dropout);
  y.sum().backward();
  EXPECT_TRUE(torch::equal(y.detach(), x.grad()));
  EXPECT_NEAR((y == 0).to(torch::kFloat32).mean().item<double>(), 0.25, 0.015);  // 4 standard errors
  EXPECT_FLOAT_EQ(y.max().item<float>(), 1 / 0.75f);
  // Rows, places and keys are independent: two masks agree as often as chance has it.
  auto agreement = [](const Tensor& a, const Tensor& b) {
    return ((a == 0) == (b == 0)).to(torch::kFloat32).mean().item<double>();
  };
  const Dropout elsewhere = dropout.at(1), later{0.25, 78, 0};
  EXPECT_NEAR(agreement(y[0], y[1]), 0.625, 0.035);
  EXPECT_NEAR(agreement(y, dropped(x, add, &elsewhere)), 0.625, 0.018);
  EXPECT_NEAR(agreement(y, dropped(x, add, &later)), 0.625, 0.018);
  EXPECT_NEAR(agreement(y.slice(2, 0, 63), y.slice(2, 1, 64)), 0.625, 0.018);
}

TEST_F(Fused, dropout_of_a_divided_batch_is_that_of_the_whole) {
  const Dropout whole{0.3, 5, 0}, second{0.3, 5, 2};
  const Tensor x = torch::randn({4, 20, 16});
  EXPECT_TRUE(torch::equal(dropped(x, {}, &whole).slice(0, 2, 4), dropped(x.slice(0, 2, 4), {}, &second)));
}

struct Step {
  double loss = 0;
  std::vector<Tensor> gradients;
};

Step step(const TransformerCompute& compute, std::uint64_t seed) {
  torch::manual_seed(2);
  TransformerModule network(TransformerOptions{40, 32, 3, 2, 48, 150, false, 0.2});
  network->set_compute(compute);
  Random random(seed);
  const Tensor tokens = torch::randint(1, 40, {3, 141}, torch::kInt64);
  const Tensor loss = network->loss(tokens, 0, &random);
  loss.backward();
  Step out{loss.item<double>(), {}};
  for (const auto& p : network->parameters()) out.gradients.push_back(p.grad());
  return out;
}

TEST_F(Fused, checkpointing_changes_nothing_but_the_memory) {
  for (const bool bf16 : {false, true}) {
    const Step kept = step({.bf16 = bf16}, 1), again = step({.bf16 = bf16, .checkpoint = true}, 1);
    EXPECT_EQ(kept.loss, again.loss);
    for (std::size_t i = 0; i < kept.gradients.size(); ++i)
      EXPECT_TRUE(torch::equal(kept.gradients[i], again.gradients[i])) << i;
    EXPECT_NE(kept.loss, step({.bf16 = bf16}, 2).loss);  // other masks
  }
}

TEST_F(Fused, a_step_in_bf16_is_that_of_float32_to_its_precision) {
  const Step wide = step({}, 1), narrow = step({.bf16 = true}, 1);
  EXPECT_NEAR(wide.loss, narrow.loss, 0.005);
  for (std::size_t i = 0; i < wide.gradients.size(); ++i)
    EXPECT_LT((wide.gradients[i] - narrow.gradients[i]).norm().item<double>(),
              0.03 * wide.gradients[i].norm().item<double>())
        << i;
}

TEST_F(Fused, a_stressed_head_counts_its_tokens_more_in_the_gradient_alone) {
  torch::manual_seed(2);
  TransformerModule network(TransformerOptions{40, 32, 1, 2, 48, 60, false, 0});
  Tensor tokens = torch::randint(1, 40, {3, 51}, torch::kInt64);
  tokens[2].slice(0, 5, 51).zero_();  // a short sequence: its head is four tokens
  const auto step = [&](const Tensor& of, const StressedHead& head) {
    network->zero_grad();
    const Tensor loss = network->loss(of, 0, nullptr, 0, {}, head);
    loss.backward();
    return std::pair(loss.item<double>(), network->blocks[0]->qkv.grad().clone());
  };
  const auto [plain, gradient] = step(tokens, {});
  const auto [first_loss, of_head] = step(tokens.slice(1, 0, 8), {});
  const auto [stressed, more] = step(tokens, {7, 3});
  EXPECT_EQ(stressed, plain);
  // 7 + 7 + 4 tokens of the 50 + 50 + 4.
  EXPECT_LT((more - gradient - 3 * 18.0 / 104 * of_head).norm().item<double>(), 1e-4 * of_head.norm().item<double>());
  EXPECT_GT((of_head - gradient).norm().item<double>(), 0.1 * of_head.norm().item<double>());
  const auto [same, all] = step(tokens, {500, 3});  // no sequence is as long as the head
  EXPECT_LT((all - 4 * gradient).norm().item<double>(), 1e-4 * all.norm().item<double>());
}

}  // namespace
}  // namespace euterpe
