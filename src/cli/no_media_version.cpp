#include "cli/version.hpp"

namespace euterpe {

std::vector<Linked> linked_for_media() { return {}; }

}  // namespace euterpe
