#pragma once
/// The listening log that an evaluation is given, as a file or as the folder in which it was published.
#include <filesystem>
#include <vector>

#include "recommend/interactions.hpp"

namespace euterpe {

/// `data` itself if it is a file; in a folder NAME.txt beside NAME_sample.txt, train.txt, or the only .txt.
/// Error{not_found} if there is none or nothing says which of several it is.
std::filesystem::path find_listening_log(const std::filesystem::path& data);

struct ListeningLog {
  std::vector<History> histories;  ///< one a listener, items numbered 0 … items − 1 in ascending order of id
  int items = 0;
};
/// Errors of find_listening_log() and read_log().
ListeningLog read_listening_log(const std::filesystem::path& data);

}  // namespace euterpe
