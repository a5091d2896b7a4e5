#include "nn/cnn.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

CnnOptions tiny() {
  CnnOptions o;
  o.bands = 16;
  o.frames = 24;
  o.widths = {4, 6};
  o.embedding = 5;
  return o;
}

Safetensors random_weights(const CnnOptions& o, std::uint64_t seed, const std::string& prefix = "") {
  Random random(seed);
  Safetensors file;
  auto put = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::int64_t n = 1;
    for (const auto s : shape) n *= s;
    std::vector<float> values(static_cast<std::size_t>(n));
    const double scale =
        shape.size() > 1 ? std::sqrt(2.0 * static_cast<double>(shape[0]) / static_cast<double>(n)) : 0.1;
    for (float& v : values) v = static_cast<float>(random.normal() * scale);
    file.put(prefix + name, std::move(shape), values);
  };
  std::int64_t in = o.widths.front();
  put("stem.weight", {in, 1, 5, 5});
  put("stem.bias", {in});
  for (std::size_t i = 0; i < o.widths.size(); ++i) {
    const std::int64_t out = o.widths[i];
    const std::string block = "block" + std::to_string(i) + ".";
    put(block + "first.weight", {out, in, 3, 3});
    put(block + "first.bias", {out});
    put(block + "second.weight", {out, out, 3, 3});
    put(block + "second.bias", {out});
    if (i > 0) {
      put(block + "skip.weight", {out, in, 1, 1});
      put(block + "skip.bias", {out});
    }
    in = out;
  }
  put("embedding.weight", {o.embedding, 2 * in});
  put("embedding.bias", {o.embedding});
  return file;
}

std::vector<float> noise(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> out(n);
  for (float& v : out) v = static_cast<float>(random.normal());
  return out;
}

TEST(Cnn, counts_its_parameters_as_its_file_does) {
  for (const auto& o : {tiny(), CnnOptions{}}) {
    std::int64_t n = 0;
    for (const auto& [name, tensor] : random_weights(o, 1).tensors) n += tensor.count();
    EXPECT_EQ(parameter_count(o), n);
  }
  EXPECT_LE(parameter_count({}), 1'400'000);
  EXPECT_LE(operation_count({}), 100'000'000);
}

TEST(Cnn, gives_a_chunk_the_same_embedding_alone_and_among_others) {
  const CnnOptions o = tiny();
  const Cnn cnn(o, random_weights(o, 1));
  const std::size_t size = 16 * 24;
  const auto chunks = noise(37 * size, 2);
  const auto all = cnn.embed(chunks);
  ASSERT_EQ(all.size(), 37u * 5);
  for (const std::size_t i : {0, 15, 16, 36}) {
    const auto one = cnn.embed(std::span(chunks).subspan(i * size, size));
    for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(one[k], all[i * 5 + k], 1e-5) << i;
  }
  EXPECT_EQ(cnn.embed(chunks), all);
  EXPECT_TRUE(cnn.embed({}).empty());
}

TEST(Cnn, names_the_tensor_that_is_missing_misshapen_or_not_finite) {
  const CnnOptions o = tiny();
  auto message = [&](const Safetensors& file, const std::string& prefix = "") {
    try {
      const Cnn cnn(o, file, prefix);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  Safetensors file = random_weights(o, 1);
  EXPECT_NE(message(file, "trunk.").find("trunk.stem.weight"), std::string::npos);
  EXPECT_EQ(message(random_weights(o, 1, "trunk."), "trunk."), "");
  file.tensors.erase("block1.skip.bias");
  EXPECT_NE(message(file).find("block1.skip.bias"), std::string::npos);
  file = random_weights(o, 1);
  file.put("embedding.weight", {5, 7}, std::vector<float>(35));
  EXPECT_NE(message(file).find("embedding.weight"), std::string::npos);
  file = random_weights(o, 1);
  file.put("stem.bias", {4}, std::vector<float>{0, NAN, 0, 0});
  EXPECT_NE(message(file).find("stem.bias"), std::string::npos);
}

TEST(CnnOptions, come_back_from_json_and_are_checked) {
  const CnnOptions o = cnn_options(to_json(tiny()));
  EXPECT_EQ(to_json(o), to_json(tiny()));
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"bands", 3},
                                                           {"frames", "many"},
                                                           {"widths", nlohmann::json::array()},
                                                           {"widths", {0}},
                                                           {"embedding", 1e9}}) {
    auto json = to_json(tiny());
    json[key] = value;
    EXPECT_THROW(cnn_options(json), Error) << key;
  }
}

RC_GTEST_PROP(NormalizeChunk, forgets_the_level_of_what_can_be_heard, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  auto quiet = noise(256, seed);
  for (float& v : quiet) v = -30 + 10 * v;
  auto loud = quiet;
  for (float& v : loud) v += 25;
  normalize_chunk(quiet);
  normalize_chunk(loud);
  for (std::size_t i = 0; i < quiet.size(); ++i) RC_ASSERT(std::abs(quiet[i] - loud[i]) < 1e-4f);
}

TEST(NormalizeChunk, leaves_silence_at_the_bottom) {
  std::vector<float> silence(64, -100.0f);
  normalize_chunk(silence);
  for (const float v : silence) EXPECT_NEAR(v, 0.0f, 1e-6);  // 30 dB below the level that is brought up
}

}  // namespace
}  // namespace euterpe
