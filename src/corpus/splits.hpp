#pragma once
/// Splits by artist, song or work: which group stands in which split, and one hash that says so in a model's card.
#include <map>
#include <string>
#include <string_view>

namespace euterpe {

/// group → "train", "valid" or "test".
class Splits {
 public:
  /// Error{bad_input} if the group stands in another split already: what it holds would be both learned and tested.
  void add(std::string_view group, std::string_view split);
  const std::map<std::string, std::string>& groups() const { return groups_; }
  /// SHA-256 of the lines "group<tab>split\n" in order of group: the same whatever the order of the pieces, another as
  /// soon as one group moves, comes or goes.
  std::string hash() const;

 private:
  std::map<std::string, std::string> groups_;
};

}  // namespace euterpe
