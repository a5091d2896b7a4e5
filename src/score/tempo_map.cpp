#include "score/tempo_map.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.hpp"

namespace euterpe {

TempoMap::TempoMap(const Score& score) {
  EUTERPE_ASSERT(score.ticks_per_quarter > 0);
  const auto rate = [&](std::uint32_t microseconds) { return microseconds * 1e-6 / score.ticks_per_quarter; };
  segments_.push_back({0, 0.0, rate(Tempo{}.microseconds_per_quarter)});
  for (const Tempo& tempo : score.tempos) {
    const Segment last = segments_.back();
    // Of several tempos at one tick all but the last get no length.
    segments_.push_back({tempo.tick, last.seconds + static_cast<double>(tempo.tick - last.tick) * last.seconds_per_tick,
                         rate(tempo.microseconds_per_quarter)});
  }
}

Seconds TempoMap::seconds_at(Ticks tick) const {
  const auto after = std::upper_bound(segments_.begin() + 1, segments_.end(), tick.value,
                                      [](std::int64_t t, const Segment& s) { return t < s.tick; });
  const Segment& s = *std::prev(after);
  return Seconds(s.seconds + static_cast<double>(tick.value - s.tick) * s.seconds_per_tick);
}

Ticks TempoMap::tick_at(Seconds time) const {
  if (!(time.value > 0)) return Ticks(0);
  const auto after = std::upper_bound(segments_.begin() + 1, segments_.end(), time.value,
                                      [](double t, const Segment& s) { return t < s.seconds; });
  const Segment& s = *std::prev(after);
  const double ticks = (time.value - s.seconds) / s.seconds_per_tick;
  constexpr double kFarthest = 1e15;  // beyond any score, and still an exact double
  return Ticks(s.tick + std::llround(std::min(ticks, kFarthest)));
}

}  // namespace euterpe
