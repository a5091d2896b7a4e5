#include "nn/safetensors.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

/// A file from a header's text and data, as another program would write it.
std::vector<std::uint8_t> file_of(const std::string& header, std::size_t data_bytes) {
  std::vector<std::uint8_t> out(8);
  const std::uint64_t length = header.size();
  std::memcpy(out.data(), &length, 8);
  out.insert(out.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data_bytes; ++i) out.push_back(static_cast<std::uint8_t>(i));
  return out;
}

std::string refusal(const std::vector<std::uint8_t>& bytes) {
  try {
    read_safetensors(bytes);
  } catch (const Error& e) {
    EXPECT_TRUE(e.category() == Category::bad_input || e.category() == Category::unsupported);
    return e.what();
  }
  return "accepted";
}

void expect_refusal(const std::string& header, std::size_t data_bytes, const char* part) {
  const std::string what = refusal(file_of(header, data_bytes));
  EXPECT_NE(what.find(part), std::string::npos) << what;
}

TEST(SafetensorsFile, OfAnotherProgramIsRead) {
  const auto file = read_safetensors(
      file_of(R"({"__metadata__":{"format":"pt"},"w":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]}})", 6));
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_EQ(file.at("w").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(file.at("w").bytes, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5}));
}

RC_GTEST_PROP(SafetensorsFile, ComesBackAsItWasWritten, ()) {
  Safetensors file;
  const int n = *rc::gen::inRange(0, 6);
  for (int i = 0; i < n; ++i) {
    Tensor t;
    t.dtype = *rc::gen::element(DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32, DType::u16, DType::u8,
                                DType::i8);
    t.shape =
        *rc::gen::container<std::vector<std::int64_t>>(*rc::gen::inRange(0, 4), rc::gen::inRange<std::int64_t>(0, 5));
    t.bytes = *rc::gen::container<std::vector<std::uint8_t>>(static_cast<std::size_t>(t.count()) * size_of(t.dtype),
                                                             rc::gen::arbitrary<std::uint8_t>());
    file.tensors["layer." + std::to_string(i) + "\n\"é"] = t;
  }
  if (*rc::gen::arbitrary<bool>()) file.metadata["made by"] = "a test";
  const auto bytes = write_safetensors(file);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  RC_ASSERT(header % 8 == 0u);
  const Safetensors again = read_safetensors(bytes);
  RC_ASSERT(again.metadata == file.metadata);
  RC_ASSERT(again.tensors.size() == file.tensors.size());
  for (const auto& [name, t] : file.tensors) {
    RC_ASSERT(again.at(name).dtype == t.dtype);
    RC_ASSERT(again.at(name).shape == t.shape);
    RC_ASSERT(again.at(name).bytes == t.bytes);
  }
}

TEST(SafetensorsFile, CutAnywhereIsRefusedAndTheCauseGuessed) {
  Safetensors file;
  file.put("a", {2, 2}, std::vector<float>{1, 2, 3, 4});
  const auto whole = write_safetensors(file);
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_NE(refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)}), "accepted") << n;
  EXPECT_NE(refusal({whole.begin(), whole.end() - 1}).find("incomplete download?"), std::string::npos);
  auto longer = whole;
  longer.push_back(0);
  EXPECT_NE(refusal(longer).find("1 bytes after the last tensor"), std::string::npos) << refusal(longer);
}

TEST(SafetensorsFile, ThatLiesIsRefusedBeforeAnythingIsAllocated) {
  std::vector<std::uint8_t> huge(16, 0xFF);
  EXPECT_NE(refusal(huge).find("not a safetensors file?"), std::string::npos);
  expect_refusal(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 4, "the file holds 4 bytes");
  expect_refusal(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,4]}})", 4, "need 9 bytes");
  expect_refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,4]}})", 4,
                 "overflows");
  expect_refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})", 4, "before it begins");
  expect_refusal(R"({"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}})", 4, "non-negative");
  expect_refusal(
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6,
      "overlap");
  expect_refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})", 4, "unclaimed");
}

TEST(SafetensorsFile, WithAStrangeHeaderIsRefused) {
  expect_refusal("[]", 0, "expected an object");
  expect_refusal("{\"a\":", 0, "not valid JSON");
  expect_refusal(R"({"a":7})", 0, "expected an object");
  expect_refusal(R"({"a":{"dtype":"U8","shape":[0]}})", 0, "has no 'data_offsets'");
  expect_refusal(R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", 8, "'C64' is not supported");
  expect_refusal(R"({"__metadata__":{"a":1}})", 0, "must be a text");
  expect_refusal(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1,
      "twice");
  expect_refusal(std::string(100'000, '['), 0, "nested too deeply");
}

TEST(SafetensorsValues, AreConvertedToFloat) {
  const std::vector<float> values{0.0f, -0.0f, 1.0f, -2.5f, 65504.0f, 1e-7f, std::numeric_limits<float>::infinity()};
  Safetensors file;
  file.put("f32", {7}, values);
  file.put("f16", {7}, values, DType::f16);
  file.put("bf16", {7}, values, DType::bf16);
  EXPECT_EQ(file.floats("f32"), values);
  const auto half = file.floats("f16"), brain = file.floats("bf16");
  for (std::size_t i = 0; i < 7; ++i) {
    if (std::isinf(values[i])) {
      EXPECT_EQ(half[i], values[i]);
      EXPECT_EQ(brain[i], values[i]);
      continue;
    }
    EXPECT_NEAR(half[i], values[i], std::fabs(values[i]) / 2048 + 0x1.0p-25) << i;
    EXPECT_NEAR(brain[i], values[i], std::fabs(values[i]) / 256) << i;
  }
}

TEST(SafetensorsValues, EveryHalfNumberSurvivesTheWayToFloatAndBack) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    Safetensors file;
    const auto h = static_cast<std::uint16_t>(bits);
    Tensor t{DType::f16, {}, {static_cast<std::uint8_t>(h), static_cast<std::uint8_t>(h >> 8)}};
    file.tensors["x"] = t;
    const float value = file.floats("x").front();
    if (std::isnan(value)) continue;
    file.put("y", {}, std::span(&value, 1), DType::f16);
    ASSERT_EQ(file.at("y").bytes, t.bytes) << bits;
  }
}

TEST(SafetensorsValues, HalfAndBrainRoundToNearestTiesToEven) {
  auto half = [](float value) {
    Safetensors file;
    file.put("x", {}, std::span(&value, 1), DType::f16);
    return file.floats("x").front();
  };
  EXPECT_EQ(half(2049), 2048);
  EXPECT_EQ(half(2051), 2052);
  EXPECT_EQ(half(2049.5f), 2050);
  EXPECT_EQ(half(65519), 65504);
  EXPECT_TRUE(std::isinf(half(65520)));
  EXPECT_EQ(bf16_to_float(float_to_bf16(257)), 256);
  EXPECT_EQ(bf16_to_float(float_to_bf16(259)), 260);
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(SafetensorsValues, InEightBitsAreOffByHalfAStepOfTheirRowAtMost) {
  Random random(1);
  std::vector<float> values;
  for (int i = 0; i < 300; ++i) values.push_back(static_cast<float>(random.normal()) * (i < 100 ? 0.01f : 3.0f));
  std::fill(values.end() - 100, values.end(), 0.0f);
  Safetensors file;
  file.put("w", {3, 100}, values, DType::i8);
  const Safetensors read = read_safetensors(write_safetensors(file));
  EXPECT_EQ(read.at("w").bytes.size(), 300u);
  const auto back = read.finite("w", std::array<std::int64_t, 2>{3, 100});
  double worst[3] = {};
  for (std::size_t i = 0; i < 300; ++i) {
    const float step = read.floats("w.row_scale")[i / 100];
    EXPECT_LE(std::abs(back[i] - values[i]), 0.501f * step) << i;
    worst[i / 100] = std::max(worst[i / 100], std::abs(double{back[i]} - values[i]));
  }
  EXPECT_GT(worst[1], 10 * worst[0]);
  EXPECT_EQ(worst[2], 0);
  Safetensors bare = read;
  bare.tensors.erase("w.row_scale");
  EXPECT_THROW(bare.floats("w"), Error);
}

TEST(SafetensorsValues, OfAnotherShapeOrNameAreRefusedByName) {
  Safetensors file;
  file.put("a", {2, 3}, std::vector<float>(6));
  const std::vector<std::int64_t> any{-1, 3}, other{3, 2}, flat{6};
  EXPECT_EQ(file.floats("a", any).size(), 6u);
  EXPECT_THROW(file.floats("a", other), Error);
  EXPECT_THROW(file.floats("a", flat), Error);
  try {
    file.at("b");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.detail().find("'b'"), std::string::npos);
  }
  file.tensors["i"] = Tensor{DType::i32, {1}, {1, 0, 0, 0}};
  EXPECT_THROW(file.floats("i"), Error);
}

}  // namespace
}  // namespace euterpe
