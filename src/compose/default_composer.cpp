#include "compose/default_composer.hpp"

#include "compose/chorale_composer.hpp"

namespace euterpe {

std::string default_composer(const ComposeOptions& options) {
  return options.style == "chorale" && beyond_chorales(options).empty() ? kChoraleComposer : kDefaultComposer;
}

}  // namespace euterpe
