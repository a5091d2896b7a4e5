// Batches, prompts, threads and memory of the decoder, on random weights and without libtorch.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "nn/decoder.hpp"
#include "nn/thread_team.hpp"

namespace {
std::atomic<long> g_allocations{0};
}
void* operator new(std::size_t n) {
  ++g_allocations;
  if (void* p = std::malloc(n > 0 ? n : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace euterpe {
namespace {

TransformerOptions shape() {
  TransformerOptions o;
  o.vocabulary = 101;
  o.d_model = 96;
  o.layers = 2;
  o.heads = 4;  // 24 numbers a head: no whole number of panels
  o.ff = 144;
  o.context = 150;
  return o;
}

std::shared_ptr<const TransformerWeights> weights(WeightFormat format, const TransformerOptions& o = shape()) {
  Random random(11);
  Safetensors file;
  const auto put = [&](const std::string& name, std::vector<std::int64_t> dims, float low, float high) {
    std::size_t n = 1;
    for (const auto d : dims) n *= static_cast<std::size_t>(d);
    std::vector<float> values(n);
    for (float& v : values) v = low + (high - low) * static_cast<float>(random.uniform());
    file.put(name, std::move(dims), values);
  };
  put("embedding", {o.vocabulary, o.d_model}, -0.3f, 0.3f);
  put("final_norm", {o.d_model}, 0.5f, 1.5f);
  for (int i = 0; i < o.layers; ++i) {
    const std::string p = "block" + std::to_string(i) + ".";
    put(p + "attention_norm", {o.d_model}, 0.5f, 1.5f);
    put(p + "ff_norm", {o.d_model}, 0.5f, 1.5f);
    put(p + "qkv", {3 * o.d_model, o.d_model}, -0.25f, 0.25f);
    put(p + "attention_out", {o.d_model, o.d_model}, -0.2f, 0.2f);
    put(p + "ff_in", {2 * o.ff, o.d_model}, -0.2f, 0.2f);
    put(p + "ff_out", {o.d_model, o.ff}, -0.2f, 0.2f);
  }
  return std::make_shared<TransformerWeights>(o, file, format);
}

std::vector<int> some_tokens(int n, std::uint64_t seed) {
  Random random(seed);
  std::vector<int> out;
  for (int i = 0; i < n; ++i) out.push_back(static_cast<int>(random.below(101)));
  return out;
}

std::vector<float> copy(std::span<const float> x) { return {x.begin(), x.end()}; }

std::vector<float> after(Decoder& decoder, std::span<const int> tokens) {
  std::vector<float> out;
  for (const int t : tokens) out = copy(decoder.step(t));
  return out;
}

double difference(std::span<const float> a, std::span<const float> b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(double{a[i]} - b[i]));
  return worst;
}

class EveryFormat : public testing::TestWithParam<WeightFormat> {
 protected:
  ~EveryFormat() override { set_threads(0); }
};
INSTANTIATE_TEST_SUITE_P(Decoder, EveryFormat, testing::Values(WeightFormat::bf16, WeightFormat::int8),
                         [](const auto& i) { return i.param == WeightFormat::bf16 ? "bf16" : "int8"; });

TEST_P(EveryFormat, a_sequence_does_not_depend_on_the_others_in_its_batch) {
  const auto w = weights(GetParam());
  for (const int n : {2, 3, 4, 7}) {
    BatchDecoder batch(w, n);
    std::vector<Decoder> alone;
    for (int s = 0; s < n; ++s) alone.emplace_back(w);
    Random random(5);
    std::vector<int> tokens(static_cast<std::size_t>(n));
    for (int t = 0; t < 30; ++t) {
      for (int s = 0; s < n; ++s) {
        int& token = tokens[static_cast<std::size_t>(s)];
        token = random.below(4) == 0 ? BatchDecoder::kRests : static_cast<int>(random.below(101));
        if (token != BatchDecoder::kRests) alone[static_cast<std::size_t>(s)].step(token);
      }
      batch.step(tokens);
    }
    for (int s = 0; s < n; ++s) {
      Decoder& single = alone[static_cast<std::size_t>(s)];
      ASSERT_EQ(batch.length(s), single.length());
      // One token more tells whether caches are equal too.
      std::vector<int> one(static_cast<std::size_t>(n), BatchDecoder::kRests);
      one[static_cast<std::size_t>(s)] = 7;
      batch.step(one);
      EXPECT_EQ(copy(batch.logits(s)), copy(single.step(7)));
    }
  }
}

TEST_P(EveryFormat, a_prompt_at_once_is_a_prompt_step_by_step) {
  const auto w = weights(GetParam());
  const auto tokens = some_tokens(140, 3);
  Decoder steps(w);
  std::vector<std::vector<float>> expected;
  for (const int t : tokens) expected.push_back(copy(steps.step(t)));
  // Some beginnings come step by step, so that tiles of tokens begin anywhere in the cache.
  for (const int begin : {0, 1, 5, 17})
    for (const int n : {1, 3, 6, 11, 12, 24, 31, 97, 120}) {
      Decoder decoder(w);
      after(decoder, std::span(tokens).first(static_cast<std::size_t>(begin)));
      const auto logits = copy(
          decoder.prefill(std::span(tokens).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n))));
      EXPECT_LT(difference(logits, expected[static_cast<std::size_t>(begin + n - 1)]), 5e-3) << begin << " " << n;
      const int next = tokens[static_cast<std::size_t>(begin + n)];
      EXPECT_LT(difference(decoder.step(next), expected[static_cast<std::size_t>(begin + n)]), 5e-3)
          << begin << " " << n;
    }
}

TEST_P(EveryFormat, results_are_the_same_whatever_the_number_of_threads) {
  const auto w = weights(GetParam());
  const auto tokens = some_tokens(60, 8);
  std::vector<std::vector<float>> said;
  for (const int n : {1, 2, 3, 5}) {
    set_threads(n);
    Decoder decoder(w);
    decoder.prefill(std::span(tokens).first(40));
    said.push_back(after(decoder, std::span(tokens).subspan(40)));
  }
  for (const auto& s : said) EXPECT_EQ(s, said[0]);
}

TEST_P(EveryFormat, a_forked_sequence_goes_on_as_the_one_it_came_from) {
  const auto w = weights(GetParam());
  const auto tokens = some_tokens(60, 8);
  BatchDecoder batch(w, 3);
  batch.step(std::vector<int>{BatchDecoder::kRests, 5, 9});  // what stood there before is forgotten
  batch.prefill(0, std::span(tokens).first(33));
  batch.fork(0, 2);
  EXPECT_EQ(copy(batch.logits(0)), copy(batch.logits(2)));
  EXPECT_EQ(batch.length(2), 33);
  EXPECT_EQ(batch.length(1), 1);
  for (int t = 33; t < 40; ++t) batch.step(std::vector<int>{1, 2, tokens[static_cast<std::size_t>(t)]});
  Decoder alone(w);
  alone.prefill(std::span(tokens).first(33));
  EXPECT_EQ(copy(batch.logits(2)), after(alone, std::span(tokens).subspan(33, 7)));
  batch.rewind(2, 20);
  alone.rewind(20);
  batch.prefill(2, std::span(tokens).subspan(41, 2));
  EXPECT_EQ(copy(batch.logits(2)), copy(alone.prefill(std::span(tokens).subspan(41, 2))));
}

TEST_P(EveryFormat, a_step_allocates_nothing) {
  const auto w = weights(GetParam());
  Decoder decoder(w);
  BatchDecoder batch(w, 4);
  const std::vector<int> four{1, 2, 3, 4};
  decoder.step(1);  // starts the team's threads
  const long before = g_allocations;
  for (int t = 0; t < 100; ++t) {
    decoder.step(t);
    batch.step(four);
  }
  EXPECT_EQ(g_allocations - before, 0);
}

TEST_P(EveryFormat, what_does_not_fit_the_context_is_refused_and_changes_nothing) {
  const auto w = weights(GetParam());
  BatchDecoder batch(w, 2);
  batch.prefill(1, some_tokens(150, 2));
  EXPECT_THROW(batch.prefill(0, some_tokens(151, 2)), Error);
  EXPECT_EQ(batch.length(0), 0);
  EXPECT_THROW(batch.step(std::vector<int>{1, 1}), Error);
  EXPECT_EQ(batch.length(0), 0);
  EXPECT_EQ(batch.length(1), 150);
  batch.rewind(1, 149);
  EXPECT_NO_THROW(batch.step(std::vector<int>{1, 1}));
}

/// Sums in the order of the columns, of the weights as they stand in the matrix.
TEST(PanelMatrix, times_few_and_many_vectors_is_the_product) {
  Random random(2);
  const int rows = 53, columns = 84;  // neither whole panels nor whole unrolled pairs
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (float& v : values) v = bf16_to_float(float_to_bf16(static_cast<float>(random.uniform() - 0.5)));
  std::vector<int> order;
  for (int r = 0; r < rows; ++r) order.push_back(rows - 1 - r);
  AlignedMemory<std::uint8_t> memory(PanelMatrix::bytes(order.size(), columns, WeightFormat::bf16));
  const PanelMatrix m(WeightFormat::bf16, values, order, columns, memory.data());
  ASSERT_EQ(m.panels(), 4);
  const PanelKernels& kernels = panel_kernels();
  for (const int tokens : {1, 2, 3, 4, 5, 13, 25}) {
    std::vector<float> x(static_cast<std::size_t>(tokens * columns)),
        streamed(static_cast<std::size_t>(tokens * 64), 1.0f), tiled = streamed;
    for (float& v : x) v = static_cast<float>(random.uniform() - 0.5);
    kernels.stream_bf16(m.bf16(0, 4), x.data(), columns, tokens, {streamed.data(), 64, true});
    const int tile = kernels.tile, tiles = (tokens + tile - 1) / tile;
    std::vector<float> packed(static_cast<std::size_t>(tiles * tile * columns));
    for (int t = 0; t < tokens; ++t)
      for (int c = 0; c < columns; ++c)
        packed[static_cast<std::size_t>((t / tile * columns + c) * tile + t % tile)] =
            x[static_cast<std::size_t>(t * columns + c)];
    kernels.tiles_bf16(m.bf16(0, 4), packed.data(), static_cast<std::size_t>(tile * columns), tokens,
                       {tiled.data(), 64, true});
    for (int t = 0; t < tokens; ++t)
      for (int r = 0; r < 64; ++r) {
        double expected = 1;
        for (int c = 0; c < columns && r < rows; ++c)
          expected += double{values[static_cast<std::size_t>((rows - 1 - r) * columns + c)]} *
                      x[static_cast<std::size_t>(t * columns + c)];
        const auto i = static_cast<std::size_t>(t * 64 + r);
        ASSERT_NEAR(streamed[i], expected, 1e-5) << t << " " << r;
        ASSERT_NEAR(tiled[i], expected, 1e-5) << t << " " << r;
      }
  }
}

TEST(ThreadTeam, every_member_works_once_and_sees_what_all_did_before_they_met) {
  ThreadTeam team;
  for (const int size : {1, 2, 4, 3}) {
    std::vector<int> first(4), second(4);
    int members = 0;
    for (int run = 0; run < 50; ++run) {
      team.run(size, [&](const ThreadTeam::Member& m) {
        const auto rank = static_cast<std::size_t>(m.rank());
        first[rank] += 1;
        m.meet();
        if (rank == 0) members += m.size();
        int sum = 0;
        for (const int f : first) sum += f;
        second[rank] = sum;
        m.meet();
      });
      EXPECT_EQ(second[0], members);
    }
  }
}

}  // namespace
}  // namespace euterpe
