#include "compose/blend.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "compose/wishes.hpp"

namespace euterpe {

void require_same_meters(const BarGrid& from, const BarGrid& to) {
  const auto name = [](const GridBar& bar) {
    const GridMeter& m = grid_meters()[static_cast<std::size_t>(bar.meter)];
    return fmt::format("{}/{}", m.numerator, m.denominator);
  };
  for (std::size_t i = 0; i < std::min(from.bars.size(), to.bars.size()); ++i)
    require_wish(from.bars[i].meter == to.bars[i].meter,
                 fmt::format("bar {} is in {} in the first and in {} in the second", i + 1, name(from.bars[i]),
                             name(to.bars[i])),
                 "only bars of the same meters have something between them");
}

}  // namespace euterpe
