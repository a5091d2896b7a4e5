/// A recommendation from a million items of 64 dimensions on one thread: recall of the ten best against an exact
/// search, queries a second and latencies, alone and behind the SASRec encoder that makes the query from a history of
/// 50 listens; and an exact search against a plain read of as many bytes in the same run. On vectors in 10,000 clusters
/// and on uniformly random ones. Queries are held-out vectors of the same distribution.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <memory>
#include <vector>

#include "base/hot.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "nn/sasrec.hpp"
#include "nn/vector_index.hpp"

namespace euterpe {
namespace {

constexpr int kWidth = 64;
constexpr std::size_t kItems = 1'000'000, kQueries = 1024, kBatch = 32, kHistory = 50, kTop = 10;
enum Kind { kClustered, kUniform };

/// This thread's own processor time, which other programs on its core do not lengthen.
double seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::vector<float> vectors(Kind kind, std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> out(n * kWidth);
  if (kind == kUniform) {
    for (float& x : out) x = static_cast<float>(2 * random.uniform() - 1);
    return out;
  }
  constexpr std::size_t kClusters = 10'000;
  static const std::vector<float> centers = [] {
    Random one(7);
    std::vector<float> c(kClusters * kWidth);
    for (float& x : c) x = static_cast<float>(one.normal());
    return c;
  }();
  for (std::size_t i = 0; i < n; ++i) {
    const float* center = centers.data() + random.below(kClusters) * kWidth;
    for (std::size_t d = 0; d < kWidth; ++d)
      out[i * kWidth + d] = center[d] + 0.3f * static_cast<float>(random.normal());
  }
  return out;
}

struct World {
  std::unique_ptr<VectorIndex> index;
  std::vector<float> queries;
  double build_seconds = 0, recall = 0;
};

const World& world(Kind kind) {
  static std::map<Kind, World> all;
  World& out = all[kind];
  if (out.index) return out;
  std::vector<float> items = vectors(kind, kItems, 1);
  const double begin = seconds();
  out.index = std::make_unique<VectorIndex>(std::move(items), kWidth);
  out.build_seconds = seconds() - begin;
  out.queries = vectors(kind, kQueries, 2);
  constexpr std::size_t kJudged = 256;
  const std::span<const float> judged = std::span(out.queries).first(kJudged * kWidth);
  const auto exact = out.index->search_exactly(judged, kTop), found = out.index->search(judged, kTop);
  std::size_t held = 0;
  for (std::size_t q = 0; q < kJudged; ++q)
    for (const VectorHit& hit : exact[q]) held += std::count(found[q].begin(), found[q].end(), hit);
  out.recall = static_cast<double>(held) / (kJudged * kTop);
  return out;
}

/// Of the shape that `train sasrec` gives a catalog; how well it has learned does not change its time.
const SasRec& encoder() {
  static const SasRec model = [] {
    TransformerOptions o{
        .d_model = kWidth, .layers = 2, .heads = 2, .ff = 2 * kWidth, .context = kHistory, .dropout = 0};
    o.vocabulary = 100'000;
    Safetensors weights;
    Random random(3);
    const auto put = [&](const std::string& name, std::vector<std::int64_t> shape, double mean, double deviation) {
      std::int64_t count = 1;
      for (const std::int64_t side : shape) count *= side;
      std::vector<float> values(static_cast<std::size_t>(count));
      for (float& value : values) value = static_cast<float>(mean + deviation * random.normal());
      weights.put(name, std::move(shape), values, DType::bf16);
    };
    put("embedding", {o.vocabulary, kWidth}, 0, 0.05);
    put("final_norm", {kWidth}, 1, 0);
    for (const std::string block : {"block0.", "block1."}) {
      put(block + "attention_norm", {kWidth}, 1, 0);
      put(block + "ff_norm", {kWidth}, 1, 0);
      put(block + "qkv", {3 * kWidth, kWidth}, 0, 0.1);
      put(block + "attention_out", {kWidth, kWidth}, 0, 0.1);
      put(block + "ff_in", {2 * o.ff, kWidth}, 0, 0.1);
      put(block + "ff_out", {kWidth, o.ff}, 0, 0.1);
    }
    return SasRec(o, weights);
  }();
  return model;
}

std::vector<std::vector<int>> histories() {
  Random random(4);
  std::vector<std::vector<int>> out(kQueries);
  for (auto& history : out)
    for (std::size_t i = 0; i < kHistory; ++i) history.push_back(static_cast<int>(random.below(100'000)));
  return out;
}

/// \param batch queries at once \param encode first from histories; the search then is for the prepared queries all the
/// same, so that it meets the distribution it is measured on
void serve(benchmark::State& state, Kind kind, std::size_t batch, bool encode) {
  set_threads(1);
  const World& w = world(kind);
  const auto listened = histories();
  std::vector<double> times;
  std::size_t at = 0;
  for (auto _ : state) {
    const double begin = seconds();
    if (encode) {
      std::vector<std::span<const int>> asked(listened.begin() + static_cast<std::ptrdiff_t>(at),
                                              listened.begin() + static_cast<std::ptrdiff_t>(at + batch));
      benchmark::DoNotOptimize(encoder().encode(asked));
    }
    benchmark::DoNotOptimize(w.index->search(std::span(w.queries).subspan(at * kWidth, batch * kWidth), kTop));
    times.push_back(seconds() - begin);
    state.SetIterationTime(times.back());
    at = (at + batch) % kQueries;
  }
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double t : times) sum += t;
  state.counters["queries_per_second"] = static_cast<double>(batch * times.size()) / sum;
  state.counters["p50_ms"] = 1e3 * times[times.size() / 2];
  state.counters["p99_ms"] = 1e3 * times[times.size() * 99 / 100];
  state.counters["recall_at_10"] = w.recall;
  state.counters["candidates"] = static_cast<double>(w.index->candidates());
  state.counters["memory_mb"] = static_cast<double>(w.index->bytes()) / 1e6;
  state.counters["build_s"] = w.build_seconds;
}

EUTERPE_HOT float read_all(const float* values, std::size_t n) {
  constexpr std::size_t kLanes = 64;
  float lanes[kLanes] = {};
  for (std::size_t i = 0; i + kLanes <= n; i += kLanes)
    for (std::size_t l = 0; l < kLanes; ++l) lanes[l] += values[i + l];
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

/// The best of all repetitions of each: what other programs on the machine do changes that least.
void exact(benchmark::State& state) {
  set_threads(1);
  const World& w = world(kUniform);
  const std::span<const float> query = std::span(w.queries).first(kWidth), all = w.index->vectors();
  double search = 1e9, read = 1e9;
  for (auto _ : state) {
    const double begin = seconds();
    benchmark::DoNotOptimize(w.index->search_exactly(query, kTop));
    const double between = seconds();
    benchmark::DoNotOptimize(read_all(all.data(), all.size()));
    search = std::min(search, between - begin);
    read = std::min(read, seconds() - between);
    state.SetIterationTime(between - begin);
  }
  state.counters["gb_per_second"] = static_cast<double>(all.size_bytes()) / search / 1e9;
  state.counters["read_gb_per_second"] = static_cast<double>(all.size_bytes()) / read / 1e9;
  state.counters["share_of_bandwidth"] = read / search;
}

BENCHMARK_CAPTURE(serve, clustered_batch32, kClustered, kBatch, true)->UseManualTime()->Iterations(128);
BENCHMARK_CAPTURE(serve, clustered_batch1, kClustered, 1, true)->UseManualTime()->Iterations(2000);
BENCHMARK_CAPTURE(serve, clustered_batch1_search_alone, kClustered, 1, false)->UseManualTime()->Iterations(2000);
BENCHMARK_CAPTURE(serve, uniform_batch32, kUniform, kBatch, true)->UseManualTime()->Iterations(128);
BENCHMARK_CAPTURE(serve, uniform_batch1, kUniform, 1, true)->UseManualTime()->Iterations(2000);
BENCHMARK_CAPTURE(serve, uniform_batch1_search_alone, kUniform, 1, false)->UseManualTime()->Iterations(2000);
BENCHMARK(exact)->UseManualTime()->Iterations(20);

}  // namespace
}  // namespace euterpe
