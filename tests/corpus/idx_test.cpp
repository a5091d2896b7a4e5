#include "corpus/idx.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "corpus/idx_bytes.hpp"

namespace euterpe {
namespace {

const std::vector<std::uint8_t> kPixels{0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220};

std::string refusal(const std::vector<std::uint8_t>& bytes, Category category) {
  try {
    read_idx_images(bytes);
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), category) << e.what();
    return e.what();
  }
  return "accepted";
}

void expect_refused(const std::vector<std::uint8_t>& bytes, const char* part, Category category = Category::bad_input) {
  const std::string what = refusal(bytes, category);
  EXPECT_NE(what.find(part), std::string::npos) << what;
}

TEST(IdxImages, OfAnotherProgramAreRead) {
  const IdxImages images = read_idx_images(idx_bytes(2, 3, 2, kPixels));
  EXPECT_EQ(images.count, 2U);
  EXPECT_EQ(images.height, 3U);
  EXPECT_EQ(images.width, 2U);
  EXPECT_EQ(images.pixels, kPixels);
}

TEST(IdxImages, WhatIsNoFileOfImagesIsRefusedWithPlaceAndCause) {
  expect_refused({0x89, 'P', 'N', 'G', 0, 0, 0, 0}, "byte 0: magic number 89504e47 instead of 00000803");
  expect_refused(idx_bytes(2, 3, 2, kPixels, 0xF03), "byte 0: magic number 00000f03");
  expect_refused(idx_bytes(12, 0, 0, {}, 0x801), "byte 3: 1 dimension instead of three");
  expect_refused(idx_bytes(12, 0, 0, {}, 0x801), "a file of labels?");
  expect_refused(idx_bytes(2, 3, 2, kPixels, 0xD03), "byte 2: the elements are 32-bit floats", Category::unsupported);
  expect_refused(idx_bytes(2, 0, 2, kPixels), "byte 8: a dimension is 0");
}

TEST(IdxImages, CutOffAnywhereAreRefused) {
  const auto whole = idx_bytes(2, 3, 2, kPixels);
  for (std::size_t length = 0; length < whole.size(); ++length)
    expect_refused(std::vector(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)),
                   "incomplete download?");
}

TEST(IdxImages, SizesThatLieAreRefusedBeforeAnythingIsAllocated) {
  expect_refused(idx_bytes(3, 3, 2, kPixels), "byte 28: 3 images of 3 × 2 take 18 bytes, but 12 are there");
  expect_refused(idx_bytes(1, 3, 2, kPixels), "byte 22: 1 images of 3 × 2 take 6 bytes, but more than 6 are there");
  expect_refused(idx_bytes(60000, 280, 28, kPixels), "take 470400000 bytes, but 12 are there");
  expect_refused(idx_bytes(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, kPixels), "are more than", Category::unsupported);
}

TEST(IdxImages, ARefusedFileIsNamed) {
  const TemporaryFolder folder("idx");
  const auto path = folder.path() / "train-images";
  write_file(path, idx_bytes(3, 3, 2, kPixels));
  try {
    read_idx_images(path);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(path.string()), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace euterpe
