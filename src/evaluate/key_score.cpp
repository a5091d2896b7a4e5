#include "evaluate/key_score.hpp"

#include <algorithm>

namespace euterpe {

double mirex_key_score(const KeyEstimate& reference, const KeyEstimate& estimate) {
  const int above = ((estimate.tonic - reference.tonic) % 12 + 12) % 12;
  if (reference.minor == estimate.minor) return above == 0 ? 1 : above == 7 ? 0.5 : 0;
  if (above == (reference.minor ? 3 : 9)) return 0.3;
  return above == 0 ? 0.2 : 0;
}

std::pair<double, double> mirex_key_score(const std::vector<KeySegment>& reference,
                                          const std::vector<KeySegment>& estimate) {
  double sum = 0, total = 0;
  std::size_t first = 0;
  for (const KeySegment& r : reference) {
    if (r.end <= r.start) continue;
    total += r.end - r.start;
    while (first < estimate.size() && estimate[first].end <= r.start) ++first;
    for (std::size_t i = first; i < estimate.size() && estimate[i].start < r.end; ++i) {
      const KeySegment& e = estimate[i];
      sum += (std::min(r.end, e.end) - std::max(r.start, e.start)) *
             mirex_key_score(KeyEstimate{r.tonic, r.minor, 1}, KeyEstimate{e.tonic, e.minor, 1});
    }
  }
  return {total > 0 ? sum / total : 0, total};
}

}  // namespace euterpe
