#include "catalog/lookup.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "base/error.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t kIdLength = 64;
}

TrackRecord find_track(Catalog& catalog, std::string_view name) {
  if (name.size() == kIdLength)
    if (const auto track = catalog.track(name)) return *track;
  const std::string path = fs::absolute(fs::path(name)).lexically_normal().native();
  std::vector<TrackRecord> matches;
  for (TrackRecord& track : catalog.tracks()) {
    if (track.path == path) return track;
    if (track.title == name || fs::path(track.path).filename().native() == name) matches.push_back(std::move(track));
  }
  // Last, for titles and file names may be hexadecimal digits too ("001").
  if (matches.empty() && name.size() >= kShortestIdPrefix)
    if (const auto track = catalog.track(name)) return *track;
  if (matches.empty())
    throw Error(Category::not_found, "find_track", fmt::format("no track '{}' in {}", name, catalog.folder().string()),
                fmt::format("`euterpe catalog list` shows the tracks with their ids, whose first {} characters do",
                            kShortestIdPrefix));
  if (matches.size() > 1)
    throw Error(Category::usage, "find_track", fmt::format("{} tracks are called '{}'", matches.size(), name),
                fmt::format("give the id: {:.12}, {:.12} …", matches[0].id, matches[1].id));
  return matches.front();
}

TrackNames::TrackNames(Catalog& catalog) {
  const auto add = [&](const std::string& name, const std::string& id) {
    if (name.empty()) return;
    const auto [place, is_new] = ids_.try_emplace(name, id);
    if (!is_new && place->second != id) place->second.clear();  // two tracks: the name says nothing
  };
  for (const TrackRecord& track : catalog.tracks()) {
    add(track.id, track.id);
    add(track.path, track.id);
    add(track.isrc, track.id);
    add(fs::path(track.path).filename().native(), track.id);
    add(track.title, track.id);
  }
}

std::string TrackNames::find(std::string_view name) const {
  if (const auto found = ids_.find(std::string(name)); found != ids_.end()) return found->second;
  if (name.find('/') == std::string_view::npos) return {};
  // A path as it was given to ingest, relative to the same folder.
  const auto found = ids_.find(fs::absolute(fs::path(name)).lexically_normal().native());
  return found == ids_.end() ? std::string() : found->second;
}

}  // namespace euterpe
