#pragma once
/// Two pieces between which another may lie.
#include "score/bar_grid.hpp"

namespace euterpe {

/// Bar is blended with bar, so both need the same meter, as far as both pieces go. Error{usage} naming the first bar
/// that differs and both its meters.
void require_same_meters(const BarGrid& from, const BarGrid& to);

}  // namespace euterpe
