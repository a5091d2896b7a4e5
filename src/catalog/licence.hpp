#pragma once
/// What the words of a licence allow.
#include <string_view>

namespace euterpe {

/// Whether `licence` (an SPDX expression, or the words an owner wrote) leaves commercial use open. No if nothing is
/// stated, if NC stands in it as a word, as in Creative Commons' identifiers, or if it says non-commercial in any
/// spelling.
bool allows_commercial_use(std::string_view licence);

}  // namespace euterpe
