#pragma once
/// Audio in memory.
#include <cstddef>
#include <span>
#include <vector>

#include "base/units.hpp"

namespace euterpe {

/// float32, planar: channel c occupies samples [c · frames, (c + 1) · frames). Full scale is ±1; values beyond are
/// kept.
struct AudioBuffer {
  int sample_rate = 22050;  ///< Hz, > 0
  int channels = 1;         ///< ≥ 1
  std::vector<float> samples;

  std::size_t frames() const { return channels > 0 ? samples.size() / static_cast<std::size_t>(channels) : 0; }
  std::span<const float> channel(int c) const {
    return {samples.data() + static_cast<std::size_t>(c) * frames(), frames()};
  }
  std::span<float> channel(int c) { return {samples.data() + static_cast<std::size_t>(c) * frames(), frames()}; }
  Seconds duration() const { return Seconds(static_cast<double>(frames()) / sample_rate); }
};

}  // namespace euterpe
