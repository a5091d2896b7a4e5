#pragma once
/// A small listening log in the layout of LastFM.txt, for the tasks that take one.
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/random.hpp"

namespace euterpe {

/// Listeners of two tastes (items 1–15 and 101–115), each with 8 items of its own taste and 2 of the other.
inline void write_two_taste_log(const std::filesystem::path& path, int listeners) {
  Random random(4);
  std::string log;
  for (int user = 1; user <= listeners; ++user) {
    std::vector<int> own(15), other(15);
    std::iota(own.begin(), own.end(), user % 2 ? 1 : 101);
    std::iota(other.begin(), other.end(), user % 2 ? 101 : 1);
    random.shuffle(own);
    random.shuffle(other);
    log += std::to_string(user);
    for (int k = 0; k < 10; ++k)
      log += " " + std::to_string(k % 5 == 2 ? other[static_cast<std::size_t>(k)] : own[static_cast<std::size_t>(k)]);
    log += "\n";
  }
  write_file(path, log);
}

}  // namespace euterpe
