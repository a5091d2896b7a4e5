#pragma once
/// The frames of an STFT, sixteen side by side: the one pass that all frame-wise descriptors share.
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "signal/frame_fft.hpp"
#include "signal/lanes.hpp"
#include "signal/stft.hpp"

namespace euterpe {

/// The options themselves. Throws Error{usage} for an n_fft that is odd or beyond 2^20, a hop of 0, a window longer
/// than the frame.
const StftOptions& checked_stft(const StftOptions& options);

/// Arrays are [n_fft/2 + 1 × kLanes] at 64-byte boundaries, overwritten by the next transform(); a strip of the default
/// frame stays in the second-level cache. Allocates nothing after construction. Not thread-safe.
class StftStrips {
 public:
  static constexpr std::size_t kLanes = lanes::kLanes;

  /// Throws as checked_stft() does.
  explicit StftStrips(const StftOptions& options);

  std::size_t bins() const { return re_.size(); }
  const StftOptions& options() const { return options_; }

  /// Transforms `count` frames, 1 … kLanes, the first of which begins at samples[begin]; outside of `samples` there are
  /// zeros. The lanes behind `count` hold frames of zeros or of what follows.
  void transform(std::span<const float> samples, std::ptrdiff_t begin, std::size_t count);
  /// Of the last transform(); magnitude and power are calculated when first asked for.
  const float* re() const { return re_.front().value; }
  const float* im() const { return im_.front().value; }
  const float* magnitude();
  const float* power();  ///< the exact square of magnitude()

  /// All frames of a recording in order: visit(first, count) with the strip in place.
  void for_each(std::span<const float> samples, const std::function<void(std::size_t, std::size_t)>& visit);

 private:
  StftOptions options_;
  FrameFft fft_;
  std::vector<float> edge_;  // frames that reach beyond the samples, with the zeros
  std::vector<lanes::Row> re_, im_, magnitude_, power_;
  bool has_magnitude_ = false, has_power_ = false;
};

/// Calls visit(first, count, tile) for strips of the matrix's columns, copied side by side: tile is [bins × kLanes].
void for_each_tile(const Matrix& matrix, const std::function<void(std::size_t, std::size_t, const float*)>& visit);

/// Writes `count` columns of a strip into the matrix from column `first` on.
void put_strip(const float* strip, std::size_t first, std::size_t count, Matrix& matrix);

}  // namespace euterpe
