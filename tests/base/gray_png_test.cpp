#include "base/gray_png.hpp"

#include <gtest/gtest.h>

namespace euterpe {
namespace {

// The expected bytes were put together with zlib's checksums and are read back by zlib and libpng.
TEST(GrayPng, IsWrittenAsTheStandardSaysByteForByte) {
  const std::vector<std::uint8_t> expected{
      0x89, 'P', 'N',  'G',  '\r', '\n', 0x1A, '\n',                                           // signature
      0,    0,   0,    13,   'I',  'H',  'D',  'R',  0,    0,    0,    2,   0, 0,    0,    1,  // 2 × 1 pixels
      8,    0,   0,    0,    0,    0xD1, 0x49, 0x20, 0x56,                                     // 8 bits of gray
      0,    0,   0,    14,   'I',  'D',  'A',  'T',  0x78, 1,    1,    3,   0, 0xFC, 0xFF,     // one stored block
      0,    7,   0xFF, 0x01, 0x10, 0x01, 0x07, 0x2B, 0xC2, 0xFC, 0xF2,  // filter, pixels, checksums
      0,    0,   0,    0,    'I',  'E',  'N',  'D',  0xAE, 0x42, 0x60, 0x82};
  EXPECT_EQ(gray_png({2, 1, {7, 255}}), expected);
}

TEST(GrayPng, AsMuchAsOneStoredBlockCannotHoldGoesIntoSeveral) {
  const GrayImage large{300, 301, std::vector<std::uint8_t>(300 * 301, 9)};
  const std::vector<std::uint8_t> png = gray_png(large);
  std::size_t at = 8 + 25 + 8 + 2, held = 0;  // past the signature, IHDR, and the heads of IDAT and of zlib's stream
  bool last = false;
  for (int blocks = 0; !last; ++blocks) {
    ASSERT_LT(at + 5, png.size());
    ASSERT_LT(blocks, 3);
    last = png[at] == 1;
    const std::size_t length = png[at + 1] | png[at + 2] << 8;
    EXPECT_EQ(length ^ 0xFFFF, static_cast<std::size_t>(png[at + 3] | png[at + 4] << 8));
    held += length;
    at += 5 + length;
  }
  EXPECT_EQ(held, 301U * 301U);  // a filter byte before each line
}

TEST(GrayPng, ASheetHoldsItsImagesRowByRowWithPaperBetween) {
  const std::vector<GrayImage> images{{2, 1, {1, 2}}, {2, 1, {3, 4}}, {2, 1, {5, 6}}};
  const GrayImage sheet = image_sheet(images, 2, 1, 0);
  EXPECT_EQ(sheet.width, 7);
  EXPECT_EQ(sheet.height, 5);
  EXPECT_EQ(sheet.pixels, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0,  //
                                                     0, 1, 2, 0, 3, 4, 0,  //
                                                     0, 0, 0, 0, 0, 0, 0,  //
                                                     0, 5, 6, 0, 0, 0, 0,  //
                                                     0, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace euterpe
