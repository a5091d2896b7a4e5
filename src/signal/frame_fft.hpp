#pragma once
/// FFTs of many overlapping frames at once.
#include <cstddef>
#include <memory>
#include <span>

#include "signal/lanes.hpp"

namespace euterpe {

/// Real FFTs of kLanes frames at a time, each frame in its own lane of the vectors: no arithmetic ever crosses lanes,
/// so that the plain algorithm is the fast one, and whatever follows (mel bands, moments) has its frames side by side
/// too. Computed in double as NumPy does and rounded once: an error of a float transform, about −140 dB of the loudest
/// partial, would stand in the quiet bins that flatness and contrast look at. Not thread-safe, one object a thread.
class FrameFft {
 public:
  static constexpr std::size_t kLanes = lanes::kLanes;

  /// n: even, 2 … 2^20; fast where n is a power of two, O(n p) for a greatest prime factor p. window: n factors.
  FrameFft(int n, std::span<const double> window);
  ~FrameFft();
  FrameFft(FrameFft&&) noexcept;

  /// Frame l is the n samples from samples + l · hop on, times the window. re, im: [n/2 + 1 × kLanes], 64-byte aligned.
  void forward(const float* samples, std::size_t hop, float* re, float* im);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace euterpe
