#include "train/tensorboard.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"

namespace euterpe {
namespace {

/// A reader of its own: a bitwise CRC and a small walk over protocol buffers, nothing shared with the writer.
std::uint32_t bitwise_crc32c(const std::uint8_t* data, std::size_t n) {
  std::uint32_t c = 0xFFFFFFFF;
  for (std::size_t i = 0; i < n; ++i) {
    c ^= data[i];
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (0x82F63B78 & (0 - (c & 1)));
  }
  return c ^ 0xFFFFFFFF;
}

template <class T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint32_t unmask(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xA282EAD8u;
  return rotated << 15 | rotated >> 17;
}

struct Field {
  unsigned number;
  std::uint64_t integer = 0;
  std::vector<std::uint8_t> bytes;
};

std::vector<Field> fields(const std::vector<std::uint8_t>& message) {
  std::vector<Field> out;
  std::size_t at = 0;
  auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const std::uint8_t b = message.at(at++);
      value |= std::uint64_t{b & 0x7Fu} << shift;
      if (b < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t key = varint();
    Field field{static_cast<unsigned>(key >> 3), 0, {}};
    const unsigned wire = key & 7;
    if (wire == 0) {
      field.integer = varint();
    } else {
      const std::size_t n = wire == 1 ? 8 : wire == 5 ? 4 : varint();
      EXPECT_LE(n, message.size() - at);
      field.bytes.assign(message.begin() + at, message.begin() + at + n);
      at += n;
    }
    out.push_back(field);
  }
  return out;
}

std::optional<Field> field(const std::vector<std::uint8_t>& message, unsigned number) {
  for (const Field& f : fields(message))
    if (f.number == number) return f;
  return {};
}

std::vector<std::vector<std::uint8_t>> records(const std::vector<std::uint8_t>& file) {
  std::vector<std::vector<std::uint8_t>> out;
  for (std::size_t at = 0; at < file.size();) {
    const auto n = static_cast<std::size_t>(load<std::uint64_t>(&file.at(at)));
    EXPECT_EQ(unmask(load<std::uint32_t>(&file.at(at + 8))), bitwise_crc32c(&file[at], 8));
    const std::uint8_t* body = &file.at(at + 12);
    EXPECT_EQ(unmask(load<std::uint32_t>(&file.at(at + 12 + n))), bitwise_crc32c(body, n));
    out.emplace_back(body, body + n);
    at += 16 + n;
  }
  return out;
}

class Tensorboard : public ::testing::Test {
 protected:
  const TemporaryFolder folder;
};

TEST(Crc32c, HasTheCheckValuesOfRfc3720) {
  const std::vector<std::uint8_t> zeros(32, 0), ones(32, 0xFF);
  std::vector<std::uint8_t> rising(32), falling(32);
  for (int i = 0; i < 32; ++i) rising[i] = static_cast<std::uint8_t>(i), falling[i] = static_cast<std::uint8_t>(31 - i);
  EXPECT_EQ(crc32c(zeros), 0x8A9136AAu);
  EXPECT_EQ(crc32c(ones), 0x62A8AB43u);
  EXPECT_EQ(crc32c(rising), 0x46DD794Eu);
  EXPECT_EQ(crc32c(falling), 0x113FDB5Cu);
}

TEST_F(Tensorboard, ScalarsComeBackThroughAnIndependentReader) {
  TensorboardWriter writer(folder.path());
  writer.scalar("train/loss", 2.5f, 1, 1700000000.25);
  writer.scalar("valid/loss", -0.125f, 3'000'000'000, 1700000001.5);
  writer.flush();
  const auto found = records(read_file(writer.path()));
  ASSERT_EQ(found.size(), 3u);
  const auto version = field(found[0], 3)->bytes;
  EXPECT_EQ(std::string(version.begin(), version.end()), "brain.Event:2");

  auto expect = [&](const std::vector<std::uint8_t>& event, const char* tag, float value, std::uint64_t step,
                    double time) {
    EXPECT_EQ(load<double>(field(event, 1)->bytes.data()), time);
    EXPECT_EQ(field(event, 2)->integer, step);
    const auto one = field(field(event, 5)->bytes, 1)->bytes;
    const auto name = field(one, 1)->bytes;
    EXPECT_EQ(std::string(name.begin(), name.end()), tag);
    EXPECT_EQ(load<float>(field(one, 2)->bytes.data()), value);
  };
  expect(found[1], "train/loss", 2.5f, 1, 1700000000.25);
  expect(found[2], "valid/loss", -0.125f, 3'000'000'000, 1700000001.5);
}

TEST_F(Tensorboard, TwoWritersOfOneFolderNeverShareAFile) {
  TensorboardWriter first(folder.path()), second(folder.path());
  EXPECT_NE(first.path(), second.path());
}

TEST_F(Tensorboard, AFolderThatCannotBeMadeIsAnError) { EXPECT_THROW(TensorboardWriter("/dev/null/run"), Error); }

}  // namespace
}  // namespace euterpe
