// The listening log of the SQLite store, and erasure, which is mostly about it.
#include <array>
#include <system_error>
#include <unordered_map>

#include "base/error.hpp"
#include "catalog/sqlite_catalog.hpp"

namespace euterpe {
namespace {

/// Short integer keys of names, each asked for or made once.
class Names {
 public:
  Names(Database& database, const char* table)
      : database_(database),
        find_(std::string("SELECT key FROM ") + table + " WHERE name = ?"),
        insert_(std::string("INSERT INTO ") + table + "(name) VALUES(?)") {}

  std::int64_t key(const std::string& name) {
    auto [place, is_new] = known_.try_emplace(name, 0);
    if (!is_new) return place->second;
    Query find(database_, find_);
    if (find.bind(name).step()) return place->second = find.integer(0);
    Query(database_, insert_).bind(name).run();
    return place->second = database_.last_key();
  }

 private:
  Database& database_;
  std::string find_, insert_;
  std::unordered_map<std::string, std::int64_t> known_;
};

/// What services keep beside the store and make again from it: it was learned from what is erased.
constexpr std::array<const char*, 3> kDerived{"index", "models/recommend.fit", "models/sasrec"};

std::vector<Listen> read_listens(Query& query) {
  std::vector<Listen> all;
  while (query.step()) all.push_back({query.text(0), query.text(1), query.integer(2)});
  return all;
}

}  // namespace

std::size_t SqliteCatalog::add_listens(const std::vector<Listen>& listens) {
  std::size_t added = 0;
  transaction([&] {
    Names listeners(database_, "listeners"), items(database_, "items");
    for (const Listen& listen : listens) {
      if (listen.user.empty() || listen.track.empty())
        throw Error(Category::bad_input, "add_listens", "a listen needs a user and a track");
      Query(database_, "INSERT INTO listens(listener, item, time) VALUES(?, ?, ?) ON CONFLICT DO NOTHING")
          .bind(listeners.key(listen.user), items.key(listen.track), listen.time)
          .run();
      added += static_cast<std::size_t>(database_.changes());
    }
  });
  return added;
}

bool SqliteCatalog::rename_item(std::string_view from, std::string_view to) {
  bool found = false;
  transaction([&] {
    Query find(database_, "SELECT key FROM items WHERE name = ?");
    found = find.bind(from).step();
    if (!found || from == to) return;
    const std::int64_t old_key = find.integer(0), new_key = Names(database_, "items").key(std::string(to));
    Query(database_, "UPDATE OR IGNORE listens SET item = ? WHERE item = ?").bind(new_key, old_key).run();
    Query(database_, "DELETE FROM listens WHERE item = ?").bind(old_key).run();  // what is there already
    Query(database_, "DELETE FROM items WHERE key = ?").bind(old_key).run();
  });
  return found;
}

std::vector<std::string> SqliteCatalog::items() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  Query query(database_, "SELECT name FROM items ORDER BY name");
  while (query.step()) all.push_back(query.text(0));
  return all;
}

std::vector<Listen> SqliteCatalog::listens() {
  std::lock_guard lock(mutex_);
  Query query(database_,
              "SELECT listeners.name, items.name, time FROM listens JOIN listeners ON listeners.key = listener "
              "JOIN items ON items.key = item ORDER BY listeners.name, time, listens.key");
  return read_listens(query);
}

std::vector<Listen> SqliteCatalog::listens_of(std::string_view user) {
  std::lock_guard lock(mutex_);
  Query query(database_,
              "SELECT listeners.name, items.name, time FROM listens JOIN listeners ON listeners.key = listener "
              "JOIN items ON items.key = item WHERE listeners.name = ? ORDER BY time, listens.key");
  return read_listens(query.bind(user));
}

std::vector<std::string> SqliteCatalog::users() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  Query query(database_, "SELECT name FROM listeners ORDER BY name");
  while (query.step()) all.push_back(query.text(0));
  return all;
}

bool SqliteCatalog::forget_user(std::string_view user) {
  return erase([&] {
    Query find(database_, "SELECT key FROM listeners WHERE name = ?");
    if (!find.bind(user).step()) return false;
    const std::int64_t key = find.integer(0);
    Query(database_, "DELETE FROM listens WHERE listener = ?").bind(key).run();
    Query(database_, "DELETE FROM listeners WHERE key = ?").bind(key).run();
    Query(database_, "DELETE FROM items WHERE key NOT IN (SELECT item FROM listens)").run();
    return true;
  });
}

bool SqliteCatalog::forget_track(std::string_view id) {
  return erase([&] {
    const auto key = find_key(id);
    if (!key) return false;
    Query(database_, "DELETE FROM failures WHERE path IN (SELECT path FROM tracks WHERE key = ?)").bind(*key).run();
    Query(database_, "DELETE FROM listens WHERE item IN (SELECT key FROM items WHERE name = ?)").bind(id).run();
    Query(database_, "DELETE FROM items WHERE name = ?").bind(id).run();
    Query(database_, "DELETE FROM listeners WHERE key NOT IN (SELECT listener FROM listens)").run();
    Query(database_, "DELETE FROM works WHERE id = ?").bind(id).run();      // where a piece of ours came in as a track
    Query(database_, "DELETE FROM tracks WHERE key = ?").bind(*key).run();  // what hangs on it goes with it
    return true;
  });
}

bool SqliteCatalog::erase(const std::function<bool()>& rows) {
  std::lock_guard lock(mutex_);
  bool found = false;
  database_.transaction([&] {
    found = rows();
    if (found) database_.execute("INSERT OR IGNORE INTO housekeeping VALUES('scrub', 'pending')");
  });
  if (found) scrub();
  return found;
}

/// secure_delete zeroes what a deletion frees, but rows that once moved between pages, and the log's old pages, may
/// still hold copies: the file is written anew and the log is cut to nothing.
void SqliteCatalog::scrub() {
  for (const char* name : kDerived) {
    std::error_code error;
    std::filesystem::remove_all(folder_ / name, error);
    if (error) throw Error(Category::io, "forget", (folder_ / name).string() + ": " + error.message());
  }
  const auto empty_log = [&] {
    if (database_.scalar("PRAGMA wal_checkpoint(TRUNCATE)") != 0)
      throw Error(Category::io, "forget",
                  "the rows are gone, but another process is reading the catalog, so that its log still holds them",
                  "end it; the next command on this catalog finishes the erasure");
  };
  empty_log();
  database_.execute("VACUUM");
  empty_log();
  database_.execute("DELETE FROM housekeeping WHERE name = 'scrub'");
}

}  // namespace euterpe
