#pragma once
/// What --version names.
#include <string>
#include <vector>

namespace euterpe {

struct Linked {
  std::string name, version;
};

/// The libraries that hear, draw and store; none in a program without media.
std::vector<Linked> linked_for_media();

}  // namespace euterpe
