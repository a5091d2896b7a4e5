#pragma once
/// Images in IDX files, the format of MNIST (LeCun, Cortes and Burges: "The MNIST database", file formats), plain or
/// as .gz.
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace euterpe {

struct IdxImages {
  std::size_t count = 0, height = 0, width = 0;  ///< each > 0
  std::vector<std::uint8_t> pixels;              ///< row-major [count × height × width]; 0 is the background
};

/// Error{bad_input} with offset and cause: another magic number, other than three dimensions (a file of labels has
/// one), an empty dimension, more or fewer bytes than the dimensions say, damaged or lying gzip; Error{unsupported}
/// where the elements are no unsigned bytes, or are more than 2³⁰. Sizes are checked before anything is allocated.
IdxImages read_idx_images(std::span<const std::uint8_t> bytes);
/// The same, naming the file. Error{not_found | io} as well.
IdxImages read_idx_images(const std::filesystem::path& path);

}  // namespace euterpe
