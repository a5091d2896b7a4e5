#include <gtest/gtest.h>

#include "base/error.hpp"
#include "corpus/idx.hpp"

namespace euterpe {
namespace {

using Bytes = std::vector<std::uint8_t>;

// What Python's gzip makes of IDX files of two images of 3 × 2 pixels, with 12, 11 and 13 of them there.
const Bytes kWhole{0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60,
                   0x66, 0x60, 0x60, 0x60, 0x02, 0x62, 0x08, 0x2d, 0xa2, 0x61, 0x13, 0x90, 0x52, 0xd1,
                   0xb3, 0x60, 0xcb, 0x89, 0x3b, 0x00, 0x60, 0x01, 0xd4, 0x07, 0x1c, 0x00, 0x00, 0x00};
const Bytes kOneShort{0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60, 0x66, 0x60,
                      0x60, 0x60, 0x02, 0x62, 0x18, 0x0d, 0x03, 0x00, 0xcd, 0x34, 0x52, 0x61, 0x1b, 0x00, 0x00, 0x00};
const Bytes kOneTooMany{0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60, 0x66, 0x60,
                        0x60, 0x60, 0x02, 0x62, 0x18, 0x8d, 0x00, 0x00, 0x1b, 0x2e, 0x39, 0x1e, 0x1d, 0x00, 0x00, 0x00};
// 46 bytes that claim to be 70,000 images of 280 × 28.
const Bytes kLying{0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0,
                   0x60, 0x66, 0x60, 0x14, 0x2c, 0x60, 0x60, 0x60, 0x94, 0x60, 0x60, 0x60, 0x90,
                   0x61, 0xc0, 0x0b, 0x00, 0xca, 0xc3, 0xdf, 0xdb, 0x2e, 0x00, 0x00, 0x00};

std::string refusal(const Bytes& bytes) {
  try {
    read_idx_images(bytes);
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::bad_input) << e.what();
    return e.what();
  }
  return "accepted";
}

void expect_refused(const Bytes& bytes, const char* part) {
  const std::string what = refusal(bytes);
  EXPECT_NE(what.find(part), std::string::npos) << what;
}

TEST(IdxImagesGz, AreReadAsIfUnpacked) {
  const IdxImages images = read_idx_images(kWhole);
  EXPECT_EQ(images.count * images.height * images.width, 12U);
  EXPECT_EQ(images.pixels, (Bytes{0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220}));
}

TEST(IdxImagesGz, CutOffAnywhereAreRefused) {
  for (std::size_t length = 0; length < kWhole.size(); ++length)
    expect_refused(Bytes(kWhole.begin(), kWhole.begin() + static_cast<std::ptrdiff_t>(length)), "incomplete download?");
}

TEST(IdxImagesGz, WithAnotherChecksumOrMoreBehindThemAreRefused) {
  Bytes altered = kWhole;
  altered[altered.size() - 8] ^= 1;
  expect_refused(altered, "incorrect data check");
  Bytes twice = kWhole;
  twice.insert(twice.end(), kWhole.begin(), kWhole.end());
  expect_refused(twice, "byte 42: more follows behind the end of the packed data");
}

TEST(IdxImagesGz, WithOtherSizesThanTheySayAreRefused) {
  expect_refused(kOneShort, "byte 27: 2 images of 3 × 2 take 12 bytes, but 11 are there");
  expect_refused(kOneTooMany, "byte 28: 2 images of 3 × 2 take 12 bytes, but more than 12 are there");
  expect_refused(kLying, "byte 4: 70000 images of 280 × 28 cannot be in 38 packed bytes");
}

}  // namespace
}  // namespace euterpe
