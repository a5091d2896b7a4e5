#include <torch/torch.h>

#include <gtest/gtest.h>

#include <toml++/toml.h>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "base/files.hpp"
#include "nn/transformer_module.hpp"
#include "score/remi_vocabulary.hpp"
#include "train/adamw_module.hpp"

namespace euterpe {
namespace {

/// Most bytes that this process has held.
double peak_gigabytes() {
  std::istringstream status(read_text("/proc/self/status"));
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / (1 << 20);
  return INFINITY;
}

TEST(Large, one_step_of_more_than_100_million_parameters_fits_into_8_gigabytes) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../configs/transformer-large.toml";
  const toml::table recipe = toml::parse(read_text(path));
  auto number = [&](const char* key) { return *recipe[key].value<int>(); };
  const TransformerOptions shape{RemiVocabulary::size(),
                                 number("d-model"),
                                 number("layers"),
                                 number("heads"),
                                 number("ff"),
                                 number("context"),
                                 false,
                                 *recipe["dropout"].value<double>()};
  EXPECT_GT(parameter_count(shape), 100'000'000);
  ASSERT_TRUE(*recipe["bf16"].value<bool>() && *recipe["checkpointing"].value<bool>());
  torch::manual_seed(1);
  TransformerModule network(shape);
  network->set_compute({.bf16 = true, .checkpoint = true});
  AdamW::Named parameters;
  for (auto& p : network->named_parameters()) parameters.emplace_back(p.key(), p.value());
  AdamW optimizer(parameters);
  const torch::Tensor tokens = torch::randint(1, shape.vocabulary, {2, 25}, torch::kInt64);
  double losses[2];
  for (int i = 0; i < 2; ++i) {  // the second pass shows that the step went downhill
    torch::AutoGradMode learning(i == 0);
    Random random(1);
    const torch::Tensor loss = network->loss(tokens, 0, &random);
    losses[i] = loss.item<double>();
    if (i == 1) break;
    loss.backward();
    const double norm = optimizer.gradient_norm();
    ASSERT_TRUE(std::isfinite(norm) && norm > 0);
    optimizer.step({.rate = 3e-4, .clip = 1, .ema = 0.99, .number = 1}, norm);
  }
  EXPECT_LT(losses[1], losses[0] - 0.1);
  EXPECT_LT(peak_gigabytes(), 8);
}

}  // namespace
}  // namespace euterpe
