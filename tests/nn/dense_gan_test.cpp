#include <torch/torch.h>

#include "nn/dense_gan_module.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

std::vector<float> noise(std::size_t count) {
  Random random(7);
  std::vector<float> out(count * kDenseNoise);
  for (float& v : out) v = static_cast<float>(random.normal());
  return out;
}

TEST(DenseGan, HasTheLayersOfTheArticle) {
  const DenseGeneratorModule generator(784);
  const DenseDiscriminatorModule discriminator(784);
  std::vector<std::int64_t> g{kDenseNoise}, d{784};
  for (const auto& layer : generator->stack->layers) g.push_back(layer->weight.size(0));
  for (const auto& layer : discriminator->stack->layers) d.push_back(layer->weight.size(0));
  EXPECT_EQ(g, (std::vector<std::int64_t>{100, 128, 256, 512, 1024, 784}));
  EXPECT_EQ(d, (std::vector<std::int64_t>{784, 512, 256, 128, 1}));
  DenseStack two(std::vector<std::int64_t>{1, 1, 1});
  torch::NoGradGuard guard;
  for (auto& p : two->parameters()) p.fill_(1);
  EXPECT_FLOAT_EQ(two->forward(torch::full({1, 1}, -6.0F)).item<float>(), 0.2F * -5 + 1);
}

TEST(DenseGan, RunsWithoutLibtorchAsWithIt) {
  torch::manual_seed(3);
  DenseGeneratorModule module(6 * 5);
  {
    torch::NoGradGuard guard;
    for (auto& p : module->parameters()) p.mul_(3);  // so that tanh is not near 0 everywhere
  }
  auto z = noise(37);
  const DenseGenerator generator = DenseGenerator::from(module->weights(DType::f32), 6, 5);
  const std::vector<std::uint8_t> pictures = generator.pictures(z);
  ASSERT_EQ(pictures.size(), 37U * 30U);
  const torch::Tensor expected = module->forward(torch::from_blob(z.data(), {37, kDenseNoise})).contiguous();
  for (std::size_t i = 0; i < pictures.size(); ++i)
    ASSERT_NEAR(pictures[i], 127.5 * (1 + expected.data_ptr<float>()[i]), 0.51) << i;
  // Alone as among others.
  const auto alone = generator.pictures(std::span(z).subspan(20 * kDenseNoise, kDenseNoise));
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), pictures.begin() + 20 * 30));
}

TEST(DenseGan, WeightsThatDoNotFitAreRefusedByName) {
  const DenseGeneratorModule module(30);
  const auto refusal = [](const Safetensors& file, std::size_t height) -> std::string {
    try {
      DenseGenerator::from(file, height, 5);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      return e.what();
    }
    return "accepted";
  };
  Safetensors file = module->weights(DType::i8);
  EXPECT_EQ(refusal(file, 6), "accepted");
  EXPECT_NE(refusal(file, 7).find("layer.4.weight is [30 × 1024] instead of [35 × 1024]"), std::string::npos);
  file.tensors.erase("layer.2.bias");
  EXPECT_NE(refusal(file, 6).find("layer.2.bias"), std::string::npos);
}

TEST(DenseGan, TheDiscriminatorMaySeeHowDifferentTheBatchIs) {
  torch::manual_seed(5);
  DenseDiscriminatorModule plain(4), wary(4, true);
  const torch::Tensor one = torch::tensor({{0.5F, -0.5F, 1.0F, 0.0F}}), other = -one;
  const torch::Tensor alike = torch::cat({one, one}), mixed = torch::cat({one, other});
  EXPECT_TRUE(torch::allclose(plain->forward(alike)[0], plain->forward(mixed)[0]));
  EXPECT_FALSE(torch::allclose(wary->forward(alike)[0], wary->forward(mixed)[0]));
  // Where all agree, the deviation has a slope all the same.
  torch::Tensor x = alike.clone().set_requires_grad(true);
  wary->forward(x).sum().backward();
  EXPECT_TRUE(torch::isfinite(x.grad()).all().item<bool>());
}

}  // namespace
}  // namespace euterpe
