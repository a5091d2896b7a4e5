#include "catalog/sqlite.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <limits>

#include "base/error.hpp"

namespace euterpe {

Query::Query(Database& database, std::string_view sql) : database_(database), sql_(sql) {
  if (const auto found = database_.idle_.find(sql); found != database_.idle_.end()) {
    statement_ = found->second;
    database_.idle_.erase(found);
    return;
  }
  const int code = sqlite3_prepare_v3(database_.connection_, sql_.data(), static_cast<int>(sql_.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) database_.fail(code);
}

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  try {
    database_.idle_.emplace(std::move(sql_), statement_);
  } catch (...) {
    sqlite3_finalize(statement_);
  }
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

double Query::real(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(statement_, column);
}

std::string Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (!data) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::vector<std::uint8_t> Query::bytes(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (!data) return {};
  return {data, data + sqlite3_column_bytes(statement_, column)};
}

static_assert(std::endian::native == std::endian::little, "embeddings are stored as little-endian float32");

std::vector<float> Query::floats(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  std::vector<float> values(static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)) / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), data, values.size() * sizeof(float));
  return values;
}

void Query::put(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK) database_.fail(code);
}

void Query::put(int index, double value) {
  if (const int code = sqlite3_bind_double(statement_, index, value); code != SQLITE_OK) database_.fail(code);
}

void Query::put(int index, std::string_view value) {
  const char* data = value.data() ? value.data() : "";  // a null pointer would be bound as NULL
  const int code = sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) database_.fail(code);
}

void Query::put_blob(int index, const void* data, std::size_t size) {
  const int code = size == 0 ? sqlite3_bind_zeroblob(statement_, index, 0)
                             : sqlite3_bind_blob64(statement_, index, data, size, SQLITE_TRANSIENT);
  if (code != SQLITE_OK) database_.fail(code);
}

Database::Database(const std::filesystem::path& file) : file_(file) {
  const int code = sqlite3_open_v2(
      file.c_str(), &connection_,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code == SQLITE_OK) return;
  try {
    fail(code);
  } catch (...) {
    sqlite3_close_v2(connection_);
    throw;
  }
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(connection_);
}

void Database::execute(const std::string& sql) {
  if (const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
}

std::int64_t Database::scalar(std::string_view sql) {
  Query query(*this, sql);
  return query.step() ? query.integer(0) : 0;
}

void Database::transaction(const std::function<void()>& body) { nest("BEGIN IMMEDIATE", body); }
void Database::snapshot(const std::function<void()>& body) { nest("BEGIN", body); }

void Database::nest(const char* begin, const std::function<void()>& body) {
  const bool outer = depth_ == 0;
  const std::string name = fmt::format("level_{}", depth_);
  execute(outer ? begin : "SAVEPOINT " + name);
  ++depth_;
  try {
    body();
    execute(outer ? "COMMIT" : "RELEASE " + name);
  } catch (...) {
    --depth_;
    // SQLite has rolled back by itself after some errors (disk full), so that this may find nothing to do.
    sqlite3_exec(connection_, (outer ? "ROLLBACK" : "ROLLBACK TO " + name + "; RELEASE " + name).c_str(), nullptr,
                 nullptr, nullptr);
    throw;
  }
  --depth_;
}

void Database::fail(int code) const {
  struct Row {
    int code;
    Category category;
    const char* hint;
  };
  static constexpr Row kRows[] = {
      {SQLITE_CORRUPT, Category::bad_input, "restore it from `euterpe catalog export`'s last backup"},
      {SQLITE_NOTADB, Category::bad_input, "the file is no catalog: name another folder with --catalog"},
      {SQLITE_FULL, Category::io, "free some space on the disk"},
      {SQLITE_BUSY, Category::io, "another process is writing: try again when it has ended"},
      {SQLITE_READONLY, Category::io, "the catalog must be writable by you"},
      {SQLITE_CANTOPEN, Category::io, "check that the folder exists and is writable by you"},
  };
  const char* hint = "";
  Category category = Category::io;
  for (const Row& row : kRows)
    if (row.code == (code & 0xFF)) hint = row.hint, category = row.category;
  throw Error(category, "catalog",
              fmt::format("{}: {}", file_.string(), connection_ ? sqlite3_errmsg(connection_) : sqlite3_errstr(code)),
              hint);
}

}  // namespace euterpe
