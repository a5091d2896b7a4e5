#include "catalog/listens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "catalog/lookup.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kLongestLine = 16 << 20;
constexpr std::size_t kBatch = 20'000;

/// Where user, track and time stand in a record.
struct Columns {
  std::array<std::size_t, 3> at{0, 1, 2};
  std::size_t count = 3;
  bool named = false;
};

/// The columns that a header names, or nothing if the line is no header.
std::optional<Columns> header(const std::vector<std::string>& fields) {
  static const std::array<std::vector<std::string_view>, 3> kNames{
      {{"user", "user_id", "userid", "listener"},
       {"track", "track_id", "trackid", "item", "item_id", "song", "song_id", "isrc"},
       {"time", "timestamp", "date", "datetime", "played_at", "unixtime"}}};
  Columns columns{{}, fields.size(), true};
  for (std::size_t role = 0; role < 3; ++role) {
    bool found = false;
    for (std::size_t i = 0; i < fields.size() && !found; ++i) {
      std::string name = clean_text(fields[i]);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      if (std::find(kNames[role].begin(), kNames[role].end(), name) == kNames[role].end()) continue;
      columns.at[role] = i;
      found = true;
    }
    if (!found) return {};
  }
  return columns;
}

class Reader {
 public:
  Reader(Catalog& catalog, std::istream& log, ListensSummary& summary)
      : catalog_(catalog), names_(catalog), lines_(log, kLongestLine), summary_(summary) {}

  void read() {
    Progress progress("listens", 0, "lines");
    for (std::string line; !interrupted() && lines_.next(line); progress.advance()) {
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      const bool first = delimiter_ == 0;
      if (first) choose(line);
      if (lines_.too_long()) {
        ++summary_.lines;
        broken(fmt::format("longer than {} MiB", kLongestLine >> 20));
      } else if (delimiter_ == ' ') {
        ++summary_.lines;
        sequence(line);
      } else {
        record(line, first);
      }
    }
    flush();
    summary_.interrupted = interrupted();
  }

 private:
  /// Sequences have blanks alone. Tabs separate CSV columns only where exactly two of them stand on the line.
  void choose(std::string_view line) {
    for (const char c : {',', ';'})
      if (line.find(c) != std::string_view::npos) {
        delimiter_ = c;
        return;
      }
    delimiter_ =
        std::count(line.begin(), line.end(), '\t') == 2 && line.find(' ') == std::string_view::npos ? '\t' : ' ';
  }

  void record(std::string_view line, bool first) {
    const auto fields = parse_csv(line, delimiter_);
    if (first && fields)
      if (const auto named = header(*fields)) {
        columns_ = *named;
        return;
      }
    ++summary_.lines;
    if (!fields) return broken("a quote is not closed");
    if (fields->size() != columns_.count)
      return broken(fmt::format("{} columns, expected {}{}", fields->size(), columns_.count,
                                columns_.named ? "" : " (user, track, time)"));
    const std::string& user = (*fields)[columns_.at[0]];
    const std::string& track = (*fields)[columns_.at[1]];
    const std::string& when = (*fields)[columns_.at[2]];
    if (user.empty()) return broken("no user");
    if (track.empty()) return broken("no track");
    const auto time = parse_time(when);
    if (!time)
      return broken(
          fmt::format("'{:.40}' is no time: Unix seconds (not milliseconds) or ISO 8601 (2020-12-31T23:59:00Z)", when));
    add(user, track, *time);
  }

  void sequence(std::string_view line) {
    std::string_view user;
    std::int64_t position = 0;
    for (std::size_t i = line.find_first_not_of(" \t"); i < line.size();) {
      const std::size_t end = std::min(line.find_first_of(" \t", i), line.size());
      const std::string_view word = line.substr(i, end - i);
      if (user.empty())
        user = word;
      else
        add(user, word, ++position);
      i = std::min(line.find_first_not_of(" \t", end), line.size());
    }
    if (position == 0) broken(fmt::format("user '{:.40}' has no items", user));
  }

  void add(std::string_view user, std::string_view track, std::int64_t time) {
    std::string id = names_.find(track);
    batch_.push_back({std::string(user), id.empty() ? std::string(track) : std::move(id), time});
    if (batch_.size() >= kBatch) flush();
  }

  void flush() {
    if (batch_.empty()) return;
    const std::size_t added = catalog_.add_listens(batch_);
    summary_.added += added;
    summary_.known += batch_.size() - added;
    batch_.clear();
  }

  void broken(const std::string& cause) {
    ++summary_.broken;
    if (summary_.problems.size() < kListedProblems)
      summary_.problems.push_back(fmt::format("line {}: {}", lines_.number(), cause));
  }

  Catalog& catalog_;
  const TrackNames names_;
  LineReader lines_;
  ListensSummary& summary_;
  char delimiter_ = 0;  ///< ' ' = sequences
  Columns columns_;
  std::vector<Listen> batch_;
};

}  // namespace

ListensSummary ingest_listens(Catalog& catalog, std::istream& log) {
  ListensSummary summary;
  Reader(catalog, log, summary).read();
  return summary;
}

void relink_listens(Catalog& catalog) {
  catalog.transaction([&] {
    const std::vector<std::string> items = catalog.items();
    if (items.empty()) return;
    const TrackNames names(catalog);
    for (const std::string& item : items)
      if (const std::string id = names.find(item); !id.empty() && id != item) catalog.rename_item(item, id);
  });
}

}  // namespace euterpe
