/// Training steps of this Transformer against libtorch's own torch::nn::TransformerEncoder of the same shape (width,
/// heads, blocks, context, dropout, number of parameters), both with AdamW: forward, loss, backward, optimizer.
/// `times_stock` is the ratio of both, timed one after the other in the same iteration, so that it says the same on any
/// machine; the first pair of steps only warms up. Of one thread its own processor time counts, which other programs on
/// its core do not lengthen.
#include <torch/torch.h>

#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>

#include "base/parallel.hpp"
#include "nn/transformer_module.hpp"
#include "train/adamw_module.hpp"

namespace euterpe {
namespace {

constexpr int kVocabulary = 512, kContext = 512, kPad = 0;

double now() {
  if (threads() > 1) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double seconds_of(auto&& work) {
  const double begin = now();
  work();
  return now() - begin;
}

TransformerOptions shape(int d_model) {
  return {kVocabulary, d_model, d_model == 256 ? 8 : 5, d_model / 64, 2 * d_model, kContext, false, 0.1};
}

struct Stock {
  torch::Tensor embedding, mask;
  torch::nn::TransformerEncoder encoder;
  torch::optim::AdamW optimizer;

  static torch::nn::TransformerEncoder make(const TransformerOptions& o) {
    // Two matrices of 1.5 ff where SwiGLU has three of ff.
    torch::nn::TransformerEncoderLayerOptions layer(o.d_model, o.heads);
    layer.dim_feedforward(o.ff * 3 / 2).dropout(o.dropout);
    return torch::nn::TransformerEncoder(
        torch::nn::TransformerEncoderOptions(torch::nn::TransformerEncoderLayer(layer), o.layers));
  }
  static std::vector<torch::Tensor> all(const torch::Tensor& embedding, torch::nn::TransformerEncoder& encoder) {
    auto out = encoder->parameters();
    out.push_back(embedding);
    return out;
  }
  explicit Stock(const TransformerOptions& o)
      : embedding((torch::randn({o.vocabulary, o.d_model}) * 0.02).set_requires_grad(true)),
        mask(torch::full({o.context, o.context}, -INFINITY).triu(1)),
        encoder(make(o)),
        optimizer(all(embedding, encoder), torch::optim::AdamWOptions(1e-4)) {}

  void step(const torch::Tensor& tokens) {
    const auto time = tokens.size(1) - 1;
    const auto x = torch::embedding(embedding, tokens.slice(1, 0, time)).transpose(0, 1);
    const auto logits = torch::linear(encoder->forward(x, mask), embedding).transpose(0, 1);
    const auto loss = torch::nn::functional::cross_entropy(logits.reshape({-1, kVocabulary}),
                                                           tokens.slice(1, 1, time + 1).reshape({-1}));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
};

struct Ours {
  TransformerModule network;
  AdamW optimizer;
  std::int64_t steps = 0;

  static AdamW::Named named(TransformerModule& network) {
    AdamW::Named out;
    for (auto& p : network->named_parameters()) out.emplace_back(p.key(), p.value());
    return out;
  }
  Ours(const TransformerOptions& o, const TransformerCompute& compute) : network(o), optimizer(named(network)) {
    network->set_compute(compute);
  }
  void step(const torch::Tensor& tokens) {
    Random random = Random::stream(1, static_cast<std::uint64_t>(steps));
    network->loss(tokens, kPad, &random).backward();
    optimizer.step({.rate = 1e-4, .weight_decay = 0.01, .clip = 1, .ema = 0.998, .number = ++steps},
                   optimizer.gradient_norm());
  }
};

void train(benchmark::State& state, TransformerCompute compute) {
  constexpr std::int64_t batch = 4;
  set_threads(static_cast<int>(state.range(1)));
  at::set_num_threads(threads());
  torch::manual_seed(1);
  const TransformerOptions o = shape(static_cast<int>(state.range(0)));
  const auto tokens = torch::randint(1, kVocabulary, {batch, kContext + 1}, torch::kInt64);
  Stock stock(o);
  Ours ours(o, compute);
  stock.step(tokens);
  ours.step(tokens);
  double theirs = 0, mine = 0;
  for (auto _ : state) {
    theirs += seconds_of([&] { stock.step(tokens); });
    mine += seconds_of([&] { ours.step(tokens); });
  }
  const double seen = static_cast<double>(state.iterations() * batch * kContext);
  state.counters["parameters"] = static_cast<double>(parameter_count(o));
  state.counters["times_stock"] = theirs / mine;
  state.counters["stock_tokens_per_second"] = seen / theirs;
  state.counters["tokens_per_second"] = seen / mine;
  set_threads(0);
}
BENCHMARK_CAPTURE(train, float32, TransformerCompute{})
    ->ArgNames({"width", "threads"})
    ->ArgsProduct({{256, 320}, {1, 2}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train, bf16, TransformerCompute{.bf16 = true})
    ->ArgNames({"width", "threads"})
    ->ArgsProduct({{256, 320}, {1, 2}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train, bf16_checkpointing, TransformerCompute{.bf16 = true, .checkpoint = true})
    ->ArgNames({"width", "threads"})
    ->ArgsProduct({{256}, {1, 2}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
