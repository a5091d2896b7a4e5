#include "catalog/sqlite_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/user_folders.hpp"
#include "catalog/sqlite_schema.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMilliseconds = 30'000;
constexpr const char* kTrackColumns =
    "SELECT id, path, kind, title, artist, album, isrc, musicbrainz, duration, added FROM tracks ";

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

fs::path make_folder(const fs::path& folder) {
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  std::error_code error;
  fs::create_directories(absolute, error);
  if (error) throw Error(Category::io, "open_catalog", absolute.string() + ": " + error.message());
  return absolute;
}

TrackRecord read_track(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
          row.text(5), row.text(6), row.text(7), row.real(8), row.integer(9)};
}

bool is_hexadecimal(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// A line break in a name would not survive the CSV that people edit the rights in.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

WorkRecord read_work(const Query& row) {
  return {row.text(0),
          row.text(1),
          row.text(2),
          row.text(3),
          row.text(4),
          row.text(5),
          static_cast<std::uint64_t>(row.integer(6)),
          row.text(7),
          row.integer(8)};
}

constexpr const char* kWorkColumns =
    "SELECT id, model, model_hash, style, prompt, licence, seed, provenance, created FROM works ";

}  // namespace

SqliteCatalog::SqliteCatalog(const fs::path& folder) : folder_(make_folder(folder)), database_(folder_ / "catalog.db") {
  database_.set_busy_timeout(kBusyMilliseconds);
  database_.execute(
      "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL");
  migrate_catalog(database_);
  if (database_.scalar("SELECT count(*) FROM housekeeping WHERE name = 'scrub'") > 0) {
    try {  // the last erasure was cut short
      database_.set_busy_timeout(0);
      scrub();
    } catch (const Error& error) {
      spdlog::warn("an erasure is not finished yet: {}", error.detail());
    }
    database_.set_busy_timeout(kBusyMilliseconds);
  }
}

void SqliteCatalog::transaction(const std::function<void()>& body) {
  std::lock_guard lock(mutex_);
  database_.transaction(body);
}

std::optional<std::int64_t> SqliteCatalog::find_key(std::string_view id) {
  Query query(database_, "SELECT key FROM tracks WHERE id = ?");
  if (!query.bind(id).step()) return {};
  return query.integer(0);
}

std::int64_t SqliteCatalog::key_of(std::string_view id) {
  if (const auto key = find_key(id)) return *key;
  throw Error(Category::not_found, "catalog", fmt::format("no track has the id {}", id));
}

bool SqliteCatalog::put_track(const TrackRecord& track, const Descriptors& descriptors,
                              const std::optional<RightsRecord>& rights) {
  bool added = false;
  transaction([&] {
    if (const auto key = find_key(track.id)) {
      if (!track.path.empty())
        Query(database_, "UPDATE tracks SET path = ? WHERE key = ?").bind(track.path, *key).run();
      return;
    }
    if (track.id.size() != 64 || !is_hexadecimal(track.id))
      throw Error(Category::bad_input, "put_track",
                  fmt::format("'{}' is no track id: 64 hexadecimal characters, lower case", track.id));
    Query(
        database_,
        "INSERT INTO tracks(id, path, kind, title, artist, album, isrc, musicbrainz, duration, added, embedding_space, "
        "embedding) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', x'')")
        .bind(track.id, track.path, track.kind, track.title, track.artist, track.album, track.isrc, track.musicbrainz,
              std::isfinite(track.duration) ? track.duration : 0.0, track.added ? track.added : now())
        .run();
    put_descriptors(database_.last_key(), descriptors);
    if (rights) set_rights(track.id, *rights);
    added = true;
  });
  return added;
}

std::optional<TrackRecord> SqliteCatalog::track(std::string_view id_or_prefix) {
  std::string prefix(id_or_prefix);
  std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? c + 32 : c; });
  if (prefix.empty() || prefix.size() > 64 || !is_hexadecimal(prefix)) return {};
  std::lock_guard lock(mutex_);
  Query query(database_, std::string(kTrackColumns) + "WHERE id >= ? AND id < ? ORDER BY id LIMIT 2");
  if (!query.bind(prefix, prefix + "g").step()) return {};
  TrackRecord found = read_track(query);
  if (query.step())
    throw Error(Category::usage, "find_track", fmt::format("more than one track's id begins with {}", prefix),
                "give more of its characters");
  return found;
}

std::vector<TrackRecord> SqliteCatalog::tracks() {
  std::lock_guard lock(mutex_);
  std::vector<TrackRecord> all;
  Query query(database_, std::string(kTrackColumns) + "ORDER BY id");
  while (query.step()) all.push_back(read_track(query));
  return all;
}

std::optional<Descriptors> SqliteCatalog::descriptors(std::string_view id) {
  std::lock_guard lock(mutex_);
  const auto key = find_key(id);
  if (!key) return {};
  Descriptors found;
  Query head(database_, "SELECT embedding_space, embedding FROM tracks WHERE key = ?");
  head.bind(*key).step();
  found.embedding_space = head.text(0);
  found.embedding = head.floats(1);
  Query numbers(database_, "SELECT name, value FROM numbers WHERE track = ?");
  for (numbers.bind(*key); numbers.step();) found.numbers[numbers.text(0)] = numbers.real(1);
  Query texts(database_, "SELECT name, value FROM texts WHERE track = ?");
  for (texts.bind(*key); texts.step();) found.texts[texts.text(0)] = texts.text(1);
  return found;
}

void SqliteCatalog::put_descriptors(std::int64_t key, const Descriptors& descriptors) {
  Query(database_, "UPDATE tracks SET embedding_space = ?, embedding = ? WHERE key = ?")
      .bind(descriptors.embedding_space, descriptors.embedding, key)
      .run();
  Query(database_, "DELETE FROM numbers WHERE track = ?").bind(key).run();
  Query(database_, "DELETE FROM texts WHERE track = ?").bind(key).run();
  for (const auto& [name, value] : descriptors.numbers)
    Query(database_, "INSERT INTO numbers VALUES(?, ?, ?)").bind(key, name, value).run();
  for (const auto& [name, value] : descriptors.texts)
    Query(database_, "INSERT INTO texts VALUES(?, ?, ?)").bind(key, name, value).run();
}

void SqliteCatalog::set_descriptors(std::string_view id, const Descriptors& descriptors) {
  transaction([&] { put_descriptors(key_of(id), descriptors); });
}

void SqliteCatalog::put_blob(std::string_view id, std::string_view name, const std::vector<std::uint8_t>& bytes) {
  transaction([&] {
    Query(database_, "INSERT INTO blobs VALUES(?, ?, ?) ON CONFLICT(track, name) DO UPDATE SET bytes = excluded.bytes")
        .bind(key_of(id), name, bytes)
        .run();
  });
}

std::optional<std::vector<std::uint8_t>> SqliteCatalog::blob(std::string_view id, std::string_view name) {
  std::lock_guard lock(mutex_);
  Query query(database_, "SELECT bytes FROM blobs JOIN tracks ON tracks.key = track WHERE id = ? AND name = ?");
  if (!query.bind(id, name).step()) return {};
  return query.bytes(0);
}

std::optional<std::string> SqliteCatalog::seen_file(std::string_view path, std::uint64_t size, std::int64_t mtime_ns) {
  std::lock_guard lock(mutex_);
  Query query(database_,
              "SELECT id FROM files JOIN tracks ON tracks.key = track "
              "WHERE files.path = ? AND size = ? AND mtime_ns = ?");
  if (!query.bind(path, static_cast<std::int64_t>(size), mtime_ns).step()) return {};
  return query.text(0);
}

void SqliteCatalog::remember_file(std::string_view path, std::uint64_t size, std::int64_t mtime_ns,
                                  std::string_view id) {
  transaction([&] {
    Query(database_,
          "INSERT INTO files VALUES(?, ?, ?, ?) ON CONFLICT(path) DO UPDATE SET size = excluded.size, "
          "mtime_ns = excluded.mtime_ns, track = excluded.track")
        .bind(path, static_cast<std::int64_t>(size), mtime_ns, key_of(id))
        .run();
    forget_failure(path);
  });
}

void SqliteCatalog::remember_failure(const IngestFailure& failure) {
  transaction([&] {
    Query(database_, "INSERT INTO failures VALUES(?, ?) ON CONFLICT(path) DO UPDATE SET cause = excluded.cause")
        .bind(failure.path, failure.cause)
        .run();
  });
}

void SqliteCatalog::forget_failure(std::string_view path) {
  transaction([&] { Query(database_, "DELETE FROM failures WHERE path = ?").bind(path).run(); });
}

std::vector<IngestFailure> SqliteCatalog::failures() {
  std::lock_guard lock(mutex_);
  std::vector<IngestFailure> all;
  Query query(database_, "SELECT path, cause FROM failures ORDER BY path");
  while (query.step()) all.push_back({query.text(0), query.text(1)});
  return all;
}

RightsRecord SqliteCatalog::rights(std::string_view id) {
  std::lock_guard lock(mutex_);
  Query query(database_,
              "SELECT owner, licence, share, may_train, may_recommend FROM rights JOIN tracks ON tracks.key = track "
              "WHERE id = ?");
  if (!query.bind(id).step()) return {};
  return {query.text(0), query.text(1), query.real(2), query.integer(3) != 0, query.integer(4) != 0};
}

void SqliteCatalog::set_rights(std::string_view id, const RightsRecord& rights) {
  if (!(rights.share >= 0 && rights.share <= 1))
    throw Error(Category::bad_input, "set_rights", fmt::format("share {} is not between 0 and 1", rights.share));
  if (has_control(rights.owner) || has_control(rights.licence))
    throw Error(Category::bad_input, "set_rights", "owner and licence must be one line of text each");
  transaction([&] {
    Query(database_,
          "INSERT INTO rights VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(track) DO UPDATE SET owner = excluded.owner, "
          "licence = excluded.licence, share = excluded.share, may_train = excluded.may_train, "
          "may_recommend = excluded.may_recommend")
        .bind(key_of(id), rights.owner, rights.licence, rights.share, rights.may_train, rights.may_recommend)
        .run();
  });
}

void SqliteCatalog::put_work(const WorkRecord& work) {
  transaction([&] {
    Query(database_, "INSERT INTO works VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING")
        .bind(work.id, work.model, work.model_hash, work.style, work.prompt, work.licence,
              static_cast<std::int64_t>(work.seed), work.provenance, work.created ? work.created : now())
        .run();
  });
}

std::vector<WorkRecord> SqliteCatalog::works() {
  std::lock_guard lock(mutex_);
  std::vector<WorkRecord> all;
  Query query(database_, std::string(kWorkColumns) + "ORDER BY id");
  while (query.step()) all.push_back(read_work(query));
  return all;
}

std::optional<WorkRecord> SqliteCatalog::work(std::string_view id) {
  std::lock_guard lock(mutex_);
  Query query(database_, std::string(kWorkColumns) + "WHERE id = ?");
  if (!query.bind(id).step()) return {};
  return read_work(query);
}

std::int64_t SqliteCatalog::add_claim(const ClaimRecord& claim) {
  std::int64_t id = 0;
  transaction([&] {
    Query(database_, "INSERT INTO claims(track, evidence, state, created) VALUES(?, ?, ?, ?)")
        .bind(key_of(claim.track), claim.evidence, claim.state, claim.created ? claim.created : now())
        .run();
    id = database_.last_key();
  });
  return id;
}

std::vector<ClaimRecord> SqliteCatalog::claims() {
  std::lock_guard lock(mutex_);
  std::vector<ClaimRecord> all;
  Query query(database_,
              "SELECT claims.id, tracks.id, evidence, state, created FROM claims JOIN tracks ON tracks.key = track "
              "ORDER BY claims.id");
  while (query.step()) all.push_back({query.integer(0), query.text(1), query.text(2), query.text(3), query.integer(4)});
  return all;
}

std::vector<std::string> SqliteCatalog::check() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> problems;
  Query integrity(database_, "PRAGMA integrity_check");
  while (integrity.step())
    if (const std::string line = integrity.text(0); line != "ok") problems.push_back(line);
  Query foreign(database_, "SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1");
  while (foreign.step())
    problems.push_back(fmt::format("{} rows of table {} belong to nothing", foreign.integer(1), foreign.text(0)));
  Query embeddings(database_, "SELECT id FROM tracks WHERE length(embedding) % 4 <> 0 ORDER BY id");
  while (embeddings.step()) problems.push_back("the embedding of track " + embeddings.text(0) + " is cut short");
  Query answers(database_,
                "SELECT DISTINCT id FROM answers JOIN tracks ON tracks.key = track WHERE length(answers.embedding) % 4 "
                "<> 0 ORDER BY id");
  while (answers.step()) problems.push_back("an answer about track " + answers.text(0) + " is cut short");
  return problems;
}

std::unique_ptr<Catalog> open_catalog(const fs::path& folder) {
  return std::make_unique<SqliteCatalog>(folder.empty() ? user_data_folder() : folder);
}

}  // namespace euterpe
