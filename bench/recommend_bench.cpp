/// Training of SASRec, histories one after the other without padding, against a straightforward SASRec in libtorch
/// (Kang and McAuley 2018 as commonly written: torch::nn modules, histories padded to the longest that counts, Adam) of
/// the same width, blocks, heads and number of parameters, with the same loss. `times_stock` is the ratio of listeners
/// a second, both timed one after the other in the same iteration on the same listeners; of one thread its own
/// processor time counts. Lengths are those of real logs where EUTERPE_DATA has them, else drawn like them.
#include <torch/torch.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <numeric>

#include "base/parallel.hpp"
#include "nn/random_tensor_module.hpp"
#include "nn/transformer_module.hpp"
#include "recommend/interactions.hpp"
#include "train/adamw_module.hpp"
#include "train/next_item_losses_module.hpp"

namespace euterpe {
namespace {

using torch::Tensor;

struct Shape {
  const char* log;  ///< below EUTERPE_DATA
  int items, context;
  double mean_length;  ///< of a history, where there is no log
};
constexpr Shape kLastFm{"listens/lastfm/LastFM.txt", 3646, 50, 48};
constexpr Shape kMovieLens{"listens/ml1m/train.txt", 3416, 200, 165};
constexpr int kWidth = 64, kLayers = 2, kHeads = 1, kBatch = 128;

double now() {
  if (threads() > 1) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::vector<std::vector<int>> histories(const Shape& shape) {
  std::vector<std::vector<int>> out;
  const char* data = std::getenv("EUTERPE_DATA");
  if (const auto path = std::filesystem::path(data ? data : "") / shape.log; data && std::filesystem::exists(path)) {
    ItemNumbers numbers;
    const auto log = read_log(path).listeners;
    for (const LogLine& line : log) numbers.add(line.items);
    numbers.finish();
    for (const LogLine& line : log) out.push_back(numbers.numbers(line.items));
  } else {
    Random random(1);
    for (int i = 0; i < 2000; ++i) {
      // Log-normal with the deviation of such logs.
      const double length = shape.mean_length * std::exp(0.8 * random.normal() - 0.32);
      out.emplace_back(static_cast<std::size_t>(std::max(5.0, length)));
      for (int& item : out.back()) item = static_cast<int>(random.below(static_cast<std::uint64_t>(shape.items)));
    }
  }
  std::erase_if(out, [](const auto& h) { return h.size() < 2; });
  for (auto& h : out)
    if (h.size() > static_cast<std::size_t>(shape.context) + 1) h.erase(h.begin(), h.end() - shape.context - 1);
  return out;
}

struct StockBlock {
  torch::nn::LayerNorm first{nullptr}, second{nullptr};
  torch::nn::MultiheadAttention attention{nullptr};
  torch::nn::Linear in{nullptr}, out{nullptr};
};

struct StockImpl : torch::nn::Module {
  explicit StockImpl(const Shape& shape) : context(shape.context) {
    embedding = register_module(
        "embedding", torch::nn::Embedding(torch::nn::EmbeddingOptions(shape.items + 1, kWidth).padding_idx(0)));
    places = register_module("places", torch::nn::Embedding(shape.context, kWidth));
    dropout = register_module("dropout", torch::nn::Dropout(0.2));
    for (int l = 0; l < kLayers; ++l) {
      const std::string n = std::to_string(l);
      StockBlock b;
      b.first = register_module("first" + n, torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth})));
      b.second = register_module("second" + n, torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth})));
      b.attention = register_module(
          "attention" + n,
          torch::nn::MultiheadAttention(torch::nn::MultiheadAttentionOptions(kWidth, kHeads).dropout(0.2)));
      b.in = register_module("in" + n, torch::nn::Linear(kWidth, kWidth));
      b.out = register_module("out" + n, torch::nn::Linear(kWidth, kWidth));
      blocks.push_back(b);
    }
    last = register_module("last", torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth})));
  }

  /// \param items int64 [batch × context], 0 = nothing
  Tensor forward(const Tensor& items) {
    const Tensor there = (items != 0).unsqueeze(-1).to(torch::kFloat32);
    Tensor x = embedding(items) * std::sqrt(static_cast<double>(kWidth)) + places(torch::arange(context));
    x = dropout(x) * there;
    const Tensor mask = torch::ones({context, context}, torch::kBool).triu(1);
    for (StockBlock& b : blocks) {
      const Tensor q = b.first(x).transpose(0, 1), all = x.transpose(0, 1);
      x = x + std::get<0>(b.attention->forward(q, all, all, {}, false, mask)).transpose(0, 1);
      const Tensor h = b.second(x);
      x = (x + dropout(b.out(dropout(torch::relu(b.in(h)))))) * there;
    }
    return last(x);
  }

  int context;
  torch::nn::Embedding embedding{nullptr}, places{nullptr};
  torch::nn::Dropout dropout{nullptr};
  std::vector<StockBlock> blocks;
  torch::nn::LayerNorm last{nullptr};
};
TORCH_MODULE(Stock);

struct StockTraining {
  Stock network;
  torch::optim::Adam optimizer;
  explicit StockTraining(const Shape& shape)
      : network(shape), optimizer(network->parameters(), torch::optim::AdamOptions(1e-3).betas({0.9, 0.98})) {}

  void step(std::span<const std::vector<int>> histories, Random& random, const Shape& shape) {
    const auto n = static_cast<std::int64_t>(histories.size());
    Tensor items = torch::zeros({n, shape.context}, torch::kInt64), targets = items.clone(), negatives = items.clone();
    for (std::int64_t i = 0; i < n; ++i) {
      const auto& h = histories[static_cast<std::size_t>(i)];
      const std::int64_t pad = shape.context - static_cast<std::int64_t>(h.size()) + 1;
      for (std::size_t k = 0; k + 1 < h.size(); ++k) {
        const std::int64_t at = i * shape.context + pad + static_cast<std::int64_t>(k);
        items.data_ptr<std::int64_t>()[at] = h[k] + 1;
        targets.data_ptr<std::int64_t>()[at] = h[k + 1] + 1;
        negatives.data_ptr<std::int64_t>()[at] =
            1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(shape.items)));
      }
    }
    const Tensor hidden = network(items);
    const Tensor own = (hidden * network->embedding(targets)).sum(-1);
    const Tensor others = (hidden * network->embedding(negatives)).sum(-1);
    const Tensor there = targets != 0;
    const Tensor loss =
        torch::binary_cross_entropy_with_logits(own.index({there}), torch::ones_like(own).index({there})) +
        torch::binary_cross_entropy_with_logits(others.index({there}), torch::zeros_like(own).index({there}));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
};

struct OurTraining {
  TransformerModule network;
  AdamW optimizer;
  std::int64_t steps = 0;

  /// SwiGLU has three matrices where the stock block has two.
  static TransformerOptions options(const Shape& s) {
    return {s.items, kWidth, kLayers, kHeads, kWidth * 2 / 3, s.context, false, 0.2};
  }
  static AdamW::Named named(TransformerModule& network) {
    AdamW::Named out;
    for (auto& p : network->named_parameters()) out.emplace_back(p.key(), p.value());
    return out;
  }
  explicit OurTraining(const Shape& shape) : network(options(shape)), optimizer(named(network)) {}

  void step(std::span<const std::vector<int>> histories, Random& random, const Shape& shape) {
    std::vector<std::int64_t> items, targets, begins{0};
    for (const auto& h : histories) {
      items.insert(items.end(), h.begin(), h.end() - 1);
      targets.insert(targets.end(), h.begin() + 1, h.end());
      begins.push_back(static_cast<std::int64_t>(items.size()));
    }
    Tensor negatives = torch::empty({static_cast<std::int64_t>(items.size()), 1}, torch::kInt64);
    for (std::int64_t i = 0; i < negatives.numel(); ++i)
      negatives.data_ptr<std::int64_t>()[i] =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(shape.items)));
    const Dropout dropout = Dropout::draw(0.2, random);
    const Tensor hidden =
        network->run_ragged(network->read(torch::tensor(items), network->embedding), torch::tensor(begins), &dropout);
    binary_loss(hidden, network->embedding, torch::tensor(targets), negatives, 1).backward();
    optimizer.step({.rate = 1e-3, .beta2 = 0.98, .ema = 0.99, .number = ++steps}, 1);
  }
};

void sasrec(benchmark::State& state, const Shape& shape) {
  set_threads(1);
  at::set_num_threads(1);
  const auto all = histories(shape);
  StockTraining stock(shape);
  OurTraining ours(shape);
  Random random(1);
  double stock_seconds = 0, our_seconds = 0, listeners = 0;
  std::size_t first = 0;
  bool warm = false;
  for (auto _ : state) {
    if (first + kBatch > all.size()) first = 0;
    const auto batch = std::span(all).subspan(first, kBatch);
    first += kBatch;
    const double begin = now();
    stock.step(batch, random, shape);
    const double between = now();
    ours.step(batch, random, shape);
    const double end = now();
    if (warm) stock_seconds += between - begin, our_seconds += end - between, listeners += kBatch;
    warm = true;
  }
  if (listeners == 0) return;
  state.counters["listeners_per_second"] = listeners / our_seconds;
  state.counters["stock_listeners_per_second"] = listeners / stock_seconds;
  state.counters["times_stock"] = stock_seconds / our_seconds;
}
BENCHMARK_CAPTURE(sasrec, lastfm_50, kLastFm)->Iterations(25)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sasrec, ml1m_200, kMovieLens)->Iterations(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
