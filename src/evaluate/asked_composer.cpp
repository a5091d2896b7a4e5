#include "evaluate/asked_composer.hpp"

#include <utility>

#include "compose/default_composer.hpp"

namespace euterpe {

AskedComposers::AskedComposers(std::string named)
    : named_(std::move(named)), main_(named_.empty() ? kDefaultComposer : named_) {
  open_.emplace(main_, Composer(find_model(main_)));
}

const Composer& AskedComposers::of(const ComposeOptions& wish) {
  const std::string name = named_.empty() ? default_composer(wish) : named_;
  const auto found = open_.find(name);
  return found != open_.end() ? found->second : open_.emplace(name, Composer(find_model(name))).first->second;
}

}  // namespace euterpe
