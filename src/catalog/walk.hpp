#pragma once
/// The walk over a music library: what ingest will read, what it leaves aside, and what it may not enter.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

struct MusicWalk {
  std::vector<std::filesystem::path> files;  ///< absolute, in order of path, each once
  std::vector<IngestFailure> failures;       ///< folders that cannot be read, links that lead nowhere
  std::size_t skipped = 0;                   ///< files of other kinds
};

/// Below each root, files that `wanted` accepts by name; a root that is itself a file is always taken. Hidden names are
/// passed over. Links to folders are followed, each folder is entered once, so that a loop ends.
/// Throws Error{not_found} for a root that does not exist and Error{interrupted}.
MusicWalk walk_music(const std::vector<std::filesystem::path>& roots,
                     const std::function<bool(const std::filesystem::path&)>& wanted);

}  // namespace euterpe
