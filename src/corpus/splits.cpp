#include "corpus/splits.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {

void Splits::add(std::string_view group, std::string_view split) {
  const auto [at, fresh] = groups_.try_emplace(std::string(group), split);
  if (!fresh && at->second != split)
    throw Error(Category::bad_input, "splits",
                fmt::format("group \"{}\" stands in {} and in {}", group, at->second, split),
                "what is tested on must not be learned from: give all pieces of a group one split");
}

std::string Splits::hash() const {
  std::string lines;
  for (const auto& [group, split] : groups_) lines += group + "\t" + split + "\n";
  return sha256(lines);
}

}  // namespace euterpe
