#pragma once
/// Ticks to seconds and back, for code that asks more than once: a lookup costs log(tempos), not a walk over all.
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "score/score.hpp"

namespace euterpe {

class TempoMap {
 public:
  /// Takes what it needs; the score may change or go away afterwards. Its tempos must be in documented order.
  explicit TempoMap(const Score& score);

  Seconds seconds_at(Ticks tick) const;
  /// The nearest tick; times before 0 give tick 0.
  Ticks tick_at(Seconds time) const;

 private:
  struct Segment {
    std::int64_t tick;  ///< where this tempo begins
    double seconds;     ///< the same in seconds
    double seconds_per_tick;
  };
  std::vector<Segment> segments_;  ///< ascending, never empty, the first at tick 0
};

}  // namespace euterpe
