#include "compose/infill.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "compose/write_together.hpp"

namespace euterpe {

std::vector<Writer> fill_gap(const ComposerNetwork& network, const WritingPlan& plan, std::uint64_t seed,
                             Progress* progress) {
  EUTERPE_ASSERT(!plan.after.empty());
  std::vector<Writer> fills;
  std::vector<Random> randoms;
  for (int fill = 1; fill <= kFills; ++fill) {
    fills.emplace_back(network, plan);
    randoms.push_back(Random::stream(seed, static_cast<std::uint64_t>(fill)));
  }
  write_together(fills, randoms, progress);
  std::vector<Writer*> order;
  for (Writer& fill : fills) order.push_back(&fill);
  std::stable_sort(order.begin(), order.end(),
                   [](const Writer* a, const Writer* b) { return a->nats_beyond() < b->nats_beyond(); });
  std::vector<Writer> out;
  for (Writer* fill : order) out.push_back(std::move(*fill));
  return out;
}

}  // namespace euterpe
