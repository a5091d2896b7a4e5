#pragma once
/// Reference output of librosa 0.10.1 beside the data, for tests that compare with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "signal/matrix.hpp"

namespace euterpe::reference {

/// Folders with input.wav and one .npy a feature; empty where the data is not there.
inline std::vector<std::filesystem::path> clips() {
  std::vector<std::filesystem::path> found;
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) return found;
  const auto root = std::filesystem::path(data) / ".." / "reference" / "librosa";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
    if (std::filesystem::exists(entry.path() / "input.wav")) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

/// A two-dimensional (or one-dimensional: one row) float32 array in either order.
inline Matrix read_npy(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  const std::size_t header = bytes.at(8) + 256u * bytes.at(9);
  const std::string text(bytes.begin() + 10, bytes.begin() + 10 + static_cast<std::ptrdiff_t>(header));
  const bool fortran = text.find("'fortran_order': True") != std::string::npos;
  const std::string shape = text.substr(text.find("'shape': (") + 10);
  std::size_t used = 0;
  std::size_t rows = std::stoul(shape, &used), columns = 1;
  if (shape[used + 1] != ')') {
    columns = std::stoul(shape.substr(used + 1));
  } else {
    std::swap(rows, columns);
  }
  Matrix result(rows, columns, 0);
  std::vector<float> raw(rows * columns);
  std::memcpy(raw.data(), bytes.data() + 10 + header, raw.size() * sizeof(float));
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) result.at(r, c) = fortran ? raw[c * rows + r] : raw[r * columns + c];
  }
  return result;
}

/// Samples of a mono float32 WAV file.
inline std::vector<float> read_wav(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  std::size_t at = 12;
  while (at + 8 <= bytes.size()) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data() + at + 4, 4);
    if (std::memcmp(bytes.data() + at, "data", 4) == 0) {
      std::vector<float> samples(size / sizeof(float));
      std::memcpy(samples.data(), bytes.data() + at + 8, samples.size() * sizeof(float));
      return samples;
    }
    at += 8 + size + size % 2;
  }
  return {};
}

/// ‖ours − theirs‖₂ / ‖theirs‖₂ over the whole array.
inline double relative_error(const Matrix& ours, const Matrix& theirs) {
  EXPECT_EQ(ours.bins, theirs.bins);
  EXPECT_EQ(ours.frames, theirs.frames);
  if (ours.data.size() != theirs.data.size()) return 1e9;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < ours.data.size(); ++i) {
    difference += std::pow(static_cast<double>(ours.data[i]) - theirs.data[i], 2);
    norm += std::pow(static_cast<double>(theirs.data[i]), 2);
  }
  return std::sqrt(difference / std::max(norm, 1e-300));
}

}  // namespace euterpe::reference

#define EUTERPE_REFERENCE_OR_SKIP(name)          \
  const auto name = euterpe::reference::clips(); \
  if (name.empty()) GTEST_SKIP() << "EUTERPE_DATA is not set or has no ../reference/librosa beside it"
