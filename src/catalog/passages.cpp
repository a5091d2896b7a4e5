#include "catalog/passages.hpp"

#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

std::vector<TrackRecord> foreign_scores(Catalog& catalog) {
  std::set<std::string> composed;
  for (const WorkRecord& work : catalog.works()) composed.insert(work.id);
  std::vector<TrackRecord> scores;
  for (TrackRecord& track : catalog.tracks())
    if (track.kind == "score" && composed.count(track.id) == 0) scores.push_back(std::move(track));
  return scores;
}

std::uint64_t stamp_of(const std::vector<TrackRecord>& scores) {
  std::string all;
  for (const TrackRecord& track : scores) all += track.id;
  return std::stoull(sha256(all).substr(0, 16), nullptr, 16);
}

std::vector<std::uint8_t> build(const std::vector<TrackRecord>& scores) {
  PassageIndexBuilder builder;
  Progress progress("passages", scores.size(), "scores");
  for (const TrackRecord& track : scores) {
    check_interrupt();
    try {
      builder.add(track.id, read_score(track.path).score);
    } catch (const Error& e) {
      if (e.category() == Category::interrupted) throw;
      spdlog::warn("passages of {} are not known to the originality gate: {}", track.path, e.what());
    }
    progress.advance();
  }
  return builder.finish(stamp_of(scores));
}

}  // namespace

std::filesystem::path passage_index_path(const std::filesystem::path& catalog_folder) {
  return catalog_folder / "index" / kPassageIndexName;
}

PassageIndex open_catalog_passages(Catalog& catalog) {
  const std::filesystem::path path = passage_index_path(catalog.folder());
  const std::vector<TrackRecord> scores = foreign_scores(catalog);
  if (std::filesystem::exists(path)) {
    try {
      PassageIndex index(path);
      if (index.stamp() == stamp_of(scores)) return index;
    } catch (const Error& e) {
      if (e.category() != Category::bad_input) throw;
      spdlog::warn("{}; it is built again", e.what());
    }
  }
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  if (failed) throw Error(Category::io, "passages", path.parent_path().string() + ": " + failed.message());
  write_file(path, build(scores));
  return PassageIndex(path);
}

}  // namespace euterpe
