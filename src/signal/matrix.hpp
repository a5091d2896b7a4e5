#pragma once
/// Descriptors over time.
#include <cstddef>
#include <span>
#include <vector>

namespace euterpe {

/// Row-major float32 [bins × frames]; frame t stands at t · hop seconds (librosa's center=True).
struct Matrix {
  std::size_t bins = 0, frames = 0;
  double hop = 0;  ///< seconds
  std::vector<float> data;

  Matrix() = default;
  Matrix(std::size_t b, std::size_t f, double hop_seconds) : bins(b), frames(f), hop(hop_seconds), data(b * f) {}
  float& at(std::size_t bin, std::size_t frame) { return data[bin * frames + frame]; }
  float at(std::size_t bin, std::size_t frame) const { return data[bin * frames + frame]; }
  std::span<const float> row(std::size_t bin) const { return {data.data() + bin * frames, frames}; }
  std::span<float> row(std::size_t bin) { return {data.data() + bin * frames, frames}; }
};

}  // namespace euterpe
