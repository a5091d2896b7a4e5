#pragma once
/// Gray pictures as PNG, for builds and rooms that draw without cairo: a network's samples on one sheet.
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace euterpe {

struct GrayImage {
  int width = 0, height = 0;         ///< pixels
  std::vector<std::uint8_t> pixels;  ///< row-major from the top left, width · height long; 0 black … 255 white
};

/// The images in a grid, row by row from the top left, `gap` pixels of `paper` around each. A row holds `columns`; what
/// the last one lacks stays paper. \param images all of one size, at least one
GrayImage image_sheet(std::span<const GrayImage> images, int columns, int gap = 2, std::uint8_t paper = 128);

/// PNG (ISO/IEC 15948), 8 bits of gray. Pixels are stored, not packed, so that no library is needed: a sheet of
/// 100 images of 28 × 28 takes 90 kB.
std::vector<std::uint8_t> gray_png(const GrayImage& image);
/// The same to a file. Throws Error{io}.
void write_gray_png(const std::filesystem::path& path, const GrayImage& image);

}  // namespace euterpe
