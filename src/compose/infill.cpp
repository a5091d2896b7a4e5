#include "compose/infill.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "compose/write_together.hpp"

namespace euterpe {

Writer fill_gap(const ComposerNetwork& network, const WritingPlan& plan, std::uint64_t seed) {
  EUTERPE_ASSERT(!plan.after.empty());
  std::vector<Writer> fills;
  std::vector<Random> randoms;
  for (int fill = 1; fill <= kFills; ++fill) {
    fills.emplace_back(network, plan);
    randoms.push_back(Random::stream(seed, static_cast<std::uint64_t>(fill)));
  }
  write_together(fills, randoms);
  return std::move(*std::min_element(
      fills.begin(), fills.end(), [](const Writer& a, const Writer& b) { return a.nats_beyond() < b.nats_beyond(); }));
}

}  // namespace euterpe
