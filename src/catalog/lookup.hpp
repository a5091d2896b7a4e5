#pragma once
/// How people and logs name a track: by id, path, file name, ISRC or title.
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "catalog/catalog.hpp"

namespace euterpe {

/// Fewer characters could be a title, a file's number or a listener's as well as the beginning of an id.
inline constexpr std::size_t kShortestIdPrefix = 8;

/// The track that `name` means, in this order: a whole id, a path, a title or file name that only one track has, or the
/// beginning of an id of at least kShortestIdPrefix characters.
/// Throws Error{not_found} and, where several match, Error{usage}.
TrackRecord find_track(Catalog& catalog, std::string_view name);

/// Names as they stand in logs, looked up in memory: whole id, ISRC, path (also relative to the current folder), or a title
/// or file name that only one track has.
class TrackNames {
 public:
  explicit TrackNames(Catalog& catalog);
  /// The track's id, empty if no track or several go by that name.
  std::string find(std::string_view name) const;

 private:
  std::unordered_map<std::string, std::string> ids_;
};

}  // namespace euterpe
