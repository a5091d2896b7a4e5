#pragma once
/// From files to tracks: walk, hash, analyze in parallel, store. What is stored is never doubled and never half there,
/// so that an ingest that was killed goes on where it was when it is started again.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "catalog/analysis.hpp"
#include "catalog/catalog.hpp"

namespace euterpe {

/// What became of one file; given out once it is durable.
struct IngestItem {
  enum class Status { added, known, failed };
  std::filesystem::path path;  ///< absolute
  Status status = Status::added;
  std::string track;                  ///< id; empty if failed
  std::string cause;                  ///< of a failure
  std::vector<std::string> warnings;  ///< damage in a new file that was read all the same
};

struct IngestOptions {
  std::function<Analysis(const std::filesystem::path&)> analyze;  ///< called from several threads; analyze_file
  std::function<bool(const std::filesystem::path&)> wanted;       ///< by name; off (null) = audio and MIDI names
  std::function<void(const IngestItem&)> on_item = {};            ///< called in order of path, from one thread
  int workers = 0;                                                ///< 0 = threads()
};

struct IngestSummary {
  std::size_t added = 0, known = 0, failed = 0;
  std::size_t skipped = 0;              ///< files of other kinds
  double music_seconds = 0;             ///< duration of what was added
  bool interrupted = false;             ///< a signal came; what is counted here is stored
  std::vector<IngestFailure> failures;  ///< by path
};

/// Takes all files below `paths` into the catalog. A file whose size and time of change are known is not read again;
/// one whose content is known (under another name) becomes no second track: the track keeps its path as long as a file
/// stands there. A bad file is recorded with its cause and tried again the next time; the others go on.
/// At the end listens that came before their tracks are given to them (relink_listens).
/// Throws Error{not_found} for a path that does not exist and Error{io} if the catalog cannot be written.
IngestSummary ingest(Catalog& catalog, const std::vector<std::filesystem::path>& paths, const IngestOptions& options);

}  // namespace euterpe
