#pragma once
/// Tells a Progress of bars, each once.
#include <cstddef>

#include "base/progress.hpp"

namespace euterpe {

class BarProgress {
 public:
  /// \param progress may be null \param bars that are there already
  explicit BarProgress(Progress* progress, std::size_t bars = 0) : progress_(progress), told_(bars) {}
  /// So many bars are done, those that were there included.
  void reached(std::size_t bars) {
    if (bars <= told_) return;
    if (progress_) progress_->advance(bars - told_);
    told_ = bars;
  }

 private:
  Progress* progress_;
  std::size_t told_;
};

}  // namespace euterpe
