/// What the decoder does with what the machine gives, measured beside it in the same iterations: a step against a read
/// of as many bytes and against the same network stepped through libtorch with a key-value cache, a prompt against a
/// matrix product. Times are the best of all repetitions of each, so that other programs on the same cores change them
/// least; ratios are of those.
#include <torch/torch.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hot.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "compose/compose.hpp"
#include "nn/decoder.hpp"
#include "nn/model.hpp"
#include "nn/thread_team.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {
namespace {

/// Of one thread its own processor time, which other programs on its core do not lengthen.
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

struct Best {
  double seconds = std::numeric_limits<double>::infinity();
  void add(double s) { seconds = std::min(seconds, s); }
};

/// 10.9 million weights.
TransformerOptions shape() {
  TransformerOptions o;
  o.vocabulary = RemiVocabulary::size();
  o.d_model = 384;
  o.layers = 6;
  o.heads = 6;
  o.ff = 1024;
  o.context = 768;
  return o;
}

const Safetensors& file() {
  static const Safetensors made = [] {
    const TransformerOptions o = shape();
    Random random(1);
    Safetensors out;
    const auto put = [&](const std::string& name, std::vector<std::int64_t> dims) {
      std::size_t n = 1;
      for (const auto d : dims) n *= static_cast<std::size_t>(d);
      std::vector<float> values(n, 1.0f);
      if (dims.size() > 1)
        for (float& v : values) v = static_cast<float>(random.uniform(-0.06, 0.06));
      out.put(name, std::move(dims), values);
    };
    put("embedding", {o.vocabulary, o.d_model});
    put("final_norm", {o.d_model});
    for (int i = 0; i < o.layers; ++i) {
      const std::string p = "block" + std::to_string(i) + ".";
      put(p + "attention_norm", {o.d_model});
      put(p + "ff_norm", {o.d_model});
      put(p + "qkv", {3 * o.d_model, o.d_model});
      put(p + "attention_out", {o.d_model, o.d_model});
      put(p + "ff_in", {2 * o.ff, o.d_model});
      put(p + "ff_out", {o.d_model, o.ff});
    }
    return out;
  }();
  return made;
}

/// The same network, one token at a time, as libtorch's users write it: float32, keys and values kept.
class TorchDecoder {
 public:
  TorchDecoder() : o_(shape()) {
    for (const auto& [name, tensor] : file().tensors)
      weights_[name] = torch::tensor(file().floats(name)).view(tensor.shape);
    const std::int64_t half = o_.d_model / o_.heads / 2;
    const auto frequency = torch::pow(kRopeBase, -torch::arange(half) / static_cast<double>(half));
    const auto angle = torch::outer(torch::arange(o_.context), frequency);
    cosine_ = angle.cos();
    sine_ = angle.sin();
    for (int i = 0; i < o_.layers; ++i)
      for (auto* cache : {&keys_, &values_})
        cache->push_back(torch::zeros({o_.heads, o_.context, o_.d_model / o_.heads}));
  }

  torch::Tensor step(int token) {
    const std::int64_t heads = o_.heads, head = o_.d_model / heads, at = length_++;
    const auto cosine = cosine_[at], sine = sine_[at];
    const auto rotate = [&](const torch::Tensor& x) {
      const auto halves = x.chunk(2, -1);
      return torch::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, -1);
    };
    const auto norm = [](const torch::Tensor& x, const torch::Tensor& w) {
      return x * torch::rsqrt(x.square().mean(-1, true) + kNormEpsilon) * w;
    };
    auto x = weights_["embedding"][token].unsqueeze(0) * std::sqrt(static_cast<double>(o_.d_model));
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const std::string p = "block" + std::to_string(i) + ".";
      const auto parts =
          torch::linear(norm(x, weights_[p + "attention_norm"]), weights_[p + "qkv"]).view({3, heads, 1, head});
      keys_[i].narrow(1, at, 1).copy_(rotate(parts[1]));
      values_[i].narrow(1, at, 1).copy_(parts[2]);
      const auto scores = torch::matmul(rotate(parts[0]), keys_[i].narrow(1, 0, length_).transpose(-2, -1));
      const auto mixed = torch::matmul(torch::softmax(scores / std::sqrt(static_cast<double>(head)), -1),
                                       values_[i].narrow(1, 0, length_));
      x = x + torch::linear(mixed.view({1, o_.d_model}), weights_[p + "attention_out"]);
      const auto gates = torch::linear(norm(x, weights_[p + "ff_norm"]), weights_[p + "ff_in"]).chunk(2, -1);
      x = x + torch::linear(torch::silu(gates[0]) * gates[1], weights_[p + "ff_out"]);
    }
    return torch::linear(norm(x, weights_["final_norm"]), weights_["embedding"]);
  }
  void rewind(std::int64_t length) { length_ = length; }

 private:
  TransformerOptions o_;
  std::map<std::string, torch::Tensor> weights_;
  torch::Tensor cosine_, sine_;
  std::vector<torch::Tensor> keys_, values_;
  std::int64_t length_ = 0;
};

/// Sums what stands there: a read as fast as the caches give.
EUTERPE_HOT std::uint64_t read_all(const std::uint8_t* p, std::size_t bytes) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(p);
  std::uint64_t sums[64] = {};
  for (std::size_t i = 0; i + 64 <= bytes / 8; i += 64)
    for (std::size_t k = 0; k < 64; ++k) sums[k] += words[i + k];
  std::uint64_t sum = 0;
  for (const auto s : sums) sum += s;
  return sum;
}

/// \param state range 0: WeightFormat, 1: threads, 2: tokens that stand before the one that is timed
void step(benchmark::State& state) {
  torch::NoGradGuard guard;
  const int n = static_cast<int>(state.range(1)), before = static_cast<int>(state.range(2));
  set_threads(n);
  at::set_num_threads(n);
  const auto weights = std::make_shared<TransformerWeights>(shape(), file(), static_cast<WeightFormat>(state.range(0)));
  Decoder decoder(weights);
  decoder.prefill(std::vector<int>(static_cast<std::size_t>(before), 7));
  TorchDecoder reference;
  reference.rewind(before);
  const AlignedMemory<std::uint8_t> memory(weights->bytes_per_token());
  Best ours, torchs, reading;
  for (auto _ : state) {
    reading.add(seconds_of([&] {
      ThreadTeam::shared().run(n, [&](const ThreadTeam::Member& m) {
        const std::size_t share = memory.size() / static_cast<std::size_t>(m.size());
        benchmark::DoNotOptimize(read_all(memory.data() + share * static_cast<std::size_t>(m.rank()), share));
      });
    }));
    for (int i = 0; i < 2; ++i) {  // the second finds its weights where the first left them, as in a piece
      decoder.rewind(before);
      ours.add(seconds_of([&] { benchmark::DoNotOptimize(decoder.step(7).data()); }));
    }
    if (torchs.seconds > 1 || state.iterations() % 4 == 0) {
      reference.rewind(before);
      torchs.add(seconds_of([&] { benchmark::DoNotOptimize(reference.step(7).data_ptr()); }));
    }
  }
  state.counters["us_a_token"] = ours.seconds * 1e6;
  state.counters["torch_us"] = torchs.seconds * 1e6;
  state.counters["times_torch"] = torchs.seconds / ours.seconds;
  state.counters["read_GB_s"] = static_cast<double>(memory.size()) / reading.seconds * 1e-9;
  state.counters["of_read_bound"] = reading.seconds / ours.seconds;
  set_threads(0);
}
BENCHMARK(step)
    ->Name("decoder/step")
    ->ArgNames({"int8", "threads", "before"})
    ->ArgsProduct({{0, 1}, {1, 2}, {16, 256}})
    ->Iterations(1000)
    ->Unit(benchmark::kMicrosecond);

/// A prompt of 96 tokens against a product of matrices of float32, as libtorch's BLAS does it.
void prompt(benchmark::State& state) {
  torch::NoGradGuard guard;
  const int n = static_cast<int>(state.range(1)), tokens = 96;
  set_threads(n);
  at::set_num_threads(n);
  Decoder decoder(std::make_shared<TransformerWeights>(shape(), file(), static_cast<WeightFormat>(state.range(0))));
  const std::vector<int> text(tokens, 7);
  const std::int64_t side = 768;
  const auto a = torch::randn({side, side}), b = torch::randn({side, side});
  auto c = torch::empty({side, side});
  Best ours, product;
  for (auto _ : state) {
    decoder.rewind(0);
    ours.add(seconds_of([&] { benchmark::DoNotOptimize(decoder.prefill(text).data()); }));
    product.add(seconds_of([&] { torch::mm_out(c, a, b); }));
  }
  const TransformerOptions o = shape();
  // Every weight but the embedding is multiplied once a token; attention is not counted.
  const double operations = 2.0 * tokens * static_cast<double>(parameter_count(o) - o.vocabulary * o.d_model);
  const double peak = 2.0 * static_cast<double>(side * side * side) / product.seconds;
  state.counters["tokens_a_second"] = tokens / ours.seconds;
  state.counters["gemm_GFLOPS"] = peak * 1e-9;
  state.counters["of_gemm_peak"] = operations / ours.seconds / peak;
  set_threads(0);
}
BENCHMARK(prompt)
    ->Name("decoder/prompt")
    ->ArgNames({"int8", "threads"})
    ->ArgsProduct({{0, 1}, {1, 2}})
    ->Iterations(200)
    ->Unit(benchmark::kMillisecond);

/// Variants that share each weight read.
void batch(benchmark::State& state) {
  const int n = static_cast<int>(state.range(1));
  BatchDecoder decoder(std::make_shared<TransformerWeights>(shape(), file(), static_cast<WeightFormat>(state.range(0))),
                       n);
  const std::vector<int> tokens(static_cast<std::size_t>(n), 7);
  Best best;
  for (auto _ : state) {
    for (int s = 0; s < n; ++s) decoder.rewind(s, 0);
    best.add(seconds_of([&] { decoder.step(tokens); }));
  }
  state.counters["us_a_token"] = best.seconds * 1e6 / n;
}
BENCHMARK(batch)
    ->Name("decoder/batch")
    ->ArgNames({"int8", "sequences"})
    ->ArgsProduct({{0, 1}, {1, 2, 4, 8}})
    ->Iterations(300)
    ->Unit(benchmark::kMicrosecond);

/// A whole piece of 16 bars, from opening the wishes to the finished score: by the shipped composer (range 0: 0), or by
/// one of 10.9 million weights (1) that are random, so that its bars are as full as the grammar lets them be.
void piece(benchmark::State& state) {
  set_threads(static_cast<int>(state.range(1)));
  std::string name = "composer";
  const auto folder = std::filesystem::temp_directory_path() / "euterpe-decoder-bench";
  if (state.range(0) == 1) {
    save_model(folder, file(),
               {{"name", "large"},
                {"task", "compose"},
                {"network", "transformer"},
                {"options", to_json(shape())},
                {"tokenizer", RemiVocabulary::kName},
                {"styles", {"folk"}}});
    name = folder.string();
  }
  const Composer composer(find_model(name));
  std::filesystem::remove_all(folder);
  ComposeOptions options;
  options.style = "folk";
  options.bars = 16;
  options.seed = 1;
  Best best;
  double tokens = 0;
  for (auto _ : state)
    best.add(seconds_of([&] { tokens = static_cast<double>(composer.compose(options).tokens.size()); }));
  state.counters["best_seconds"] = best.seconds;
  state.counters["tokens"] = tokens;
  set_threads(0);
}
BENCHMARK(piece)
    ->Name("decoder/piece_of_16_bars")
    ->ArgNames({"large", "threads"})
    ->ArgsProduct({{0, 1}, {1, 2}})
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
