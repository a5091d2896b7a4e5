#include "corpus/media_catalog_source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "catalog/licence.hpp"
#include "score/score_file.hpp"

namespace euterpe {

Source source_from_catalog(Catalog& catalog, const std::string& style) {
  Source source;
  source.name = "catalog";
  std::set<std::string> licences;
  for (const TrackRecord& track : catalog.tracks()) {
    if (track.kind != "score") continue;
    const RightsRecord rights = catalog.rights(track.id);
    if (!rights.may_train) {
      ++source.left_out["may_train = no"];
      continue;
    }
    Piece piece;
    piece.id = piece.group = "catalog/" + track.id;
    piece.style = style;
    piece.split = split_of(piece.group);
    try {
      const auto bytes = read_file(track.path);
      // Rights belong to content: a file that changed since ingest is another track, with rights nobody has stated.
      if (sha256(bytes) != track.id) {
        spdlog::warn("left out {}: its content changed since it was ingested", track.path);
        ++source.left_out["changed since ingest"];
        continue;
      }
      piece.score = read_score(bytes, track.path).score;
    } catch (const Error& e) {
      spdlog::warn("left out {}: {}", track.path, e.what());
      ++source.left_out["unreadable"];
      continue;
    }
    if (!rights.licence.empty()) licences.insert(rights.licence);
    if (!allows_commercial_use(rights.licence)) source.commercial = false;
    source.pieces.push_back(std::move(piece));
  }
  source.licence = licences.empty() ? "not stated" : fmt::format("{}", fmt::join(licences, "; "));
  return source;
}

std::set<std::string> forbidden_tracks(Catalog& catalog) {
  std::set<std::string> forbidden;
  for (const TrackRecord& track : catalog.tracks())
    if (!catalog.rights(track.id).may_train) forbidden.insert(track.id);
  return forbidden;
}

void leave_out_forbidden(Source& source, Catalog& catalog) {
  const std::set<std::string> forbidden = forbidden_tracks(catalog);
  const auto gone = std::erase_if(source.pieces, [&](const Piece& p) { return forbidden.count(p.file) > 0; });
  if (gone > 0) source.left_out["may_train = no"] += static_cast<int>(gone);
}

}  // namespace euterpe
