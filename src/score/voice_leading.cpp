#include "score/voice_leading.hpp"

#include <cstdlib>

namespace euterpe {

bool is_parallel(int a, int b, int c, int d) {
  if (a == c || b == d) return false;
  const int before = std::abs(a - b) % 12, after = std::abs(c - d) % 12;
  return before == after && (before == 0 || before == 7);
}

VoiceLeading voice_leading(const VoiceGrid& grid) {
  VoiceLeading found;
  for (std::size_t t = 0; t < grid.steps.size(); ++t)
    for (std::size_t v = 0; v < 4; ++v) {
      const int to = grid.steps[t][v], from = t > 0 ? grid.steps[t - 1][v] : kGridRest;
      if (to == kGridRest || to == from) continue;
      ++found.notes;
      found.in_range += to >= kVoiceRanges[v][0] && to <= kVoiceRanges[v][1];
      if (from == kGridRest) continue;
      for (std::size_t u = 0; u < v; ++u) {
        const int other = grid.steps[t][u], other_from = grid.steps[t - 1][u];
        if (other == kGridRest || other_from == kGridRest || other == other_from) continue;
        ++found.motions;
        found.parallels += is_parallel(from, other_from, to, other);
      }
    }
  return found;
}

}  // namespace euterpe
