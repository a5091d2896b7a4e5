#pragma once
#include <filesystem>

#include "score/annotation.hpp"

namespace euterpe {

/// What annotate() says of a recording or a score, told apart as analyze_file() does. Throws Error{not_found |
/// bad_input} naming the file and the place in it.
Annotations annotate_file(const std::filesystem::path& path);

}  // namespace euterpe
