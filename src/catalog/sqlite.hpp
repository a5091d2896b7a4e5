#pragma once
/// A thin, safe skin over SQLite: one connection, statements prepared once and handed out again, errors as Error.
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

class Database;

/// One run of a prepared statement; goes back to its database's pool at the end of its life. Parameters are bound in
/// order and copied. Columns count from 0.
class Query {
 public:
  Query(Database& database, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  template <class... Values>
  Query& bind(const Values&... values) {
    int index = 0;
    (put(++index, values), ...);
    return *this;
  }
  bool step();  ///< true while there is a row
  void run() {
    while (step()) {
    }
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const;  ///< NULL reads as NaN, which SQLite stores so
  std::string text(int column) const;
  std::vector<std::uint8_t> bytes(int column) const;
  std::vector<float> floats(int column) const;  ///< of a blob of little-endian float32

 private:
  void put(int index, std::int64_t value);
  void put(int index, int value) { put(index, static_cast<std::int64_t>(value)); }
  void put(int index, bool value) { put(index, static_cast<std::int64_t>(value)); }
  void put(int index, double value);
  void put(int index, std::string_view value);
  void put(int index, const std::string& value) { put(index, std::string_view(value)); }
  void put(int index, const char* value) { put(index, std::string_view(value)); }
  void put(int index, const std::vector<std::uint8_t>& value) { put_blob(index, value.data(), value.size()); }
  void put(int index, const std::vector<float>& value) { put_blob(index, value.data(), value.size() * sizeof(float)); }
  void put_blob(int index, const void* data, std::size_t size);

  Database& database_;
  std::string sql_;
  sqlite3_stmt* statement_ = nullptr;
};

/// Not thread-safe: its owner holds a lock.
class Database {
 public:
  /// Opens or creates the file. Throws Error{io | bad_input}.
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql);       ///< one or more statements without results
  std::int64_t scalar(std::string_view sql);  ///< first column of the first row, 0 without a row
  std::int64_t changes() const { return sqlite3_changes64(connection_); }
  std::int64_t last_key() const { return sqlite3_last_insert_rowid(connection_); }
  void set_busy_timeout(int milliseconds) { sqlite3_busy_timeout(connection_, milliseconds); }

  /// BEGIN IMMEDIATE (or a savepoint inside another transaction) … COMMIT, rolled back if `body` throws.
  void transaction(const std::function<void()>& body);
  /// Reads alone: one unchanging picture of the file, while others go on writing.
  void snapshot(const std::function<void()>& body);

  [[noreturn]] void fail(int code) const;

 private:
  friend class Query;
  void nest(const char* begin, const std::function<void()>& body);

  std::filesystem::path file_;
  sqlite3* connection_ = nullptr;
  std::multimap<std::string, sqlite3_stmt*, std::less<>> idle_;
  int depth_ = 0;
};

}  // namespace euterpe
