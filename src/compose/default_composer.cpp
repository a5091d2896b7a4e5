#include "compose/default_composer.hpp"

#include "compose/chorale_composer.hpp"

namespace euterpe {

std::string default_composer(const ComposeOptions& options) {
  if (options.vary || options.transfer || options.blend_from || options.polyphony) return kVaeComposer;
  return options.style == "chorale" && beyond_chorales(options).empty() ? kChoraleComposer : kDefaultComposer;
}

}  // namespace euterpe
