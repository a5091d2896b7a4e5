#include "protect/catalog_index.hpp"

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "signal/landmarks.hpp"

namespace euterpe {
namespace {

std::vector<std::string> audio_tracks(Catalog& catalog) {
  std::vector<std::string> ids;
  for (const TrackRecord& t : catalog.tracks())
    if (t.kind == "audio") ids.push_back(t.id);
  return ids;
}

std::uint64_t stamp_of(const std::vector<std::string>& ids) {
  std::string all;
  for (const std::string& id : ids) all += id;
  return std::stoull(sha256(all).substr(0, 16), nullptr, 16);
}

std::vector<std::uint8_t> build(Catalog& catalog, const std::vector<std::string>& ids) {
  LandmarkIndexBuilder builder;
  Progress progress("index", ids.size(), "tracks");
  for (const std::string& id : ids) {
    check_interrupt();
    try {
      if (const auto blob = catalog.blob(id, kLandmarksBlob)) {
        builder.add(id, read_landmarks_blob(*blob));
      } else {
        spdlog::warn("track {} has no landmarks and cannot be identified: ingest it again", id);
      }
    } catch (const Error& e) {
      if (e.category() != Category::bad_input && e.category() != Category::newer_version) throw;
      spdlog::warn("track {} cannot be identified: {}", id, e.what());
    }
    progress.advance();
  }
  return builder.finish(stamp_of(ids));
}

}  // namespace

std::filesystem::path index_path(const std::filesystem::path& catalog_folder) {
  return catalog_folder / "index" / "landmarks.idx";
}

std::uint64_t index_stamp(Catalog& catalog) { return stamp_of(audio_tracks(catalog)); }

LandmarkIndex open_catalog_index(Catalog& catalog) {
  const std::filesystem::path path = index_path(catalog.folder());
  const std::vector<std::string> ids = audio_tracks(catalog);
  if (std::filesystem::exists(path)) {
    try {
      LandmarkIndex index(path);
      if (index.stamp() == stamp_of(ids)) return index;
    } catch (const Error& e) {
      if (e.category() != Category::bad_input) throw;
      spdlog::warn("{}; it is built again", e.what());
    }
  }
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  if (failed) throw Error(Category::io, "index", path.parent_path().string() + ": " + failed.message());
  write_file(path, build(catalog, ids));
  return LandmarkIndex(path);
}

}  // namespace euterpe
