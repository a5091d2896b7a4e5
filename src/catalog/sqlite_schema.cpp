#include "catalog/sqlite_schema.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Step i brings a file from version i to i + 1. A step that shipped never changes: files in the field went through it.
constexpr std::array<const char*, 3> kSteps{
    // 1: tracks by a short integer key; listens by interned names, for a log has millions of rows of few names
    R"sql(
CREATE TABLE tracks(
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, kind TEXT NOT NULL,
  title TEXT NOT NULL, artist TEXT NOT NULL, album TEXT NOT NULL, isrc TEXT NOT NULL, musicbrainz TEXT NOT NULL,
  duration REAL NOT NULL, added INTEGER NOT NULL, embedding_space TEXT NOT NULL, embedding BLOB NOT NULL);
CREATE TABLE numbers(
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, name TEXT NOT NULL, value REAL,
  PRIMARY KEY(track, name)) WITHOUT ROWID;
CREATE TABLE texts(
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(track, name)) WITHOUT ROWID;
CREATE TABLE blobs(
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, name TEXT NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(track, name));
CREATE TABLE rights(
  track INTEGER PRIMARY KEY REFERENCES tracks ON DELETE CASCADE, owner TEXT NOT NULL, licence TEXT NOT NULL,
  share REAL NOT NULL, may_train INTEGER NOT NULL, may_recommend INTEGER NOT NULL);
CREATE TABLE files(
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX files_by_track ON files(track);
CREATE TABLE failures(path TEXT PRIMARY KEY, cause TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE listeners(key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE items(key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE listens(
  key INTEGER PRIMARY KEY, listener INTEGER NOT NULL REFERENCES listeners, item INTEGER NOT NULL REFERENCES items,
  time INTEGER NOT NULL, UNIQUE(listener, time, item));
CREATE INDEX listens_by_item ON listens(item);
CREATE TABLE works(
  id TEXT PRIMARY KEY, model TEXT NOT NULL, model_hash TEXT NOT NULL, style TEXT NOT NULL, prompt TEXT NOT NULL,
  licence TEXT NOT NULL, seed INTEGER NOT NULL, provenance TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE claims(
  id INTEGER PRIMARY KEY AUTOINCREMENT, track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
  evidence TEXT NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL);
CREATE INDEX claims_by_track ON claims(track);
)sql",
    // 2: an erasure that was interrupted before the free pages were overwritten is remembered and finished later
    "CREATE TABLE housekeeping(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    // 3: what models said of a track; the index finds all places in one model's space
    R"sql(
CREATE TABLE answers(
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, task TEXT NOT NULL, model_hash TEXT NOT NULL,
  answer TEXT NOT NULL, embedding BLOB NOT NULL, PRIMARY KEY(track, task, model_hash));
CREATE INDEX answers_by_model ON answers(task, model_hash);
)sql",
};

}  // namespace

int catalog_schema_version() { return static_cast<int>(kSteps.size()); }

void migrate_catalog(Database& database) {
  const auto check = [&] {
    const std::int64_t application = database.scalar("PRAGMA application_id");
    const std::int64_t version = database.scalar("PRAGMA user_version");
    if (application != kCatalogApplicationId && database.scalar("SELECT count(*) FROM sqlite_master") > 0)
      throw Error(Category::bad_input, "open_catalog", "catalog.db is a database of another program",
                  "name another folder with --catalog");
    if (version < 0 || version > catalog_schema_version())
      throw Error(Category::newer_version, "open_catalog",
                  fmt::format("catalog.db has schema version {}, this program knows up to {}", version,
                              catalog_schema_version()),
                  "update Euterpe");
    return version;
  };
  if (check() == catalog_schema_version()) return;
  database.transaction([&] {
    for (auto version = check(); version < catalog_schema_version(); ++version)  // again: another process may be done
      database.execute(kSteps[static_cast<std::size_t>(version)]);
    database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kCatalogApplicationId,
                                 catalog_schema_version()));
  });
}

}  // namespace euterpe
