#pragma once
/// Loudness of a stream, for recordings that should not lie in memory whole.
#include <memory>

#include "media/audio_buffer.hpp"
#include "media/loudness.hpp"

namespace euterpe {

/// The same numbers as measure_loudness() of all blocks together, with the memory of one block. The momentary values
/// that gating needs are kept in a histogram of 0.1 LU, so that integrated loudness is exact to that step.
class LoudnessMeter {
 public:
  LoudnessMeter(int sample_rate, int channels);  ///< Throws Error{unsupported} beyond what libebur128 measures
  ~LoudnessMeter();
  LoudnessMeter(LoudnessMeter&&) noexcept;
  void push(const AudioBuffer& block);  ///< of the rate and channels given
  Loudness result() const;              ///< −infinity where nothing was loud enough to count

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace euterpe
