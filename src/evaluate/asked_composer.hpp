#pragma once
/// The models that evaluations of composing measure: those that `compose` would take.
#include <map>
#include <string>

#include "compose/compose.hpp"

namespace euterpe {

class AskedComposers {
 public:
  /// \param named as --model; empty: the default for each wish
  explicit AskedComposers(std::string named);
  /// The model named, or the one that knows every style.
  const Composer& main() const { return open_.at(main_); }
  /// The model that composes this wish; the reference stays valid. Error{not_found | bad_input}. Not thread-safe.
  const Composer& of(const ComposeOptions& wish);

 private:
  std::string named_, main_;
  std::map<std::string, Composer> open_;
};

}  // namespace euterpe
