// Listening logs that are tables, one listen a line: CSV, RecBole, MovieLens, Last.fm-1K.
#include <fmt/format.h>

#include <array>
#include <cctype>

#include "base/error.hpp"
#include "catalog/log_parser.hpp"

namespace euterpe {
namespace {

using Fields = std::vector<std::string_view>;

enum Role { kUser, kItem, kTime, kArtist, kTitle, kRating, kSeconds, kMilliseconds, kRoles };

/// The names that a header may give a column, in small letters.
const std::array<std::vector<std::string_view>, kRoles> kNames{
    {{"user", "user_id", "userid", "user_name", "username", "listener", "session_id"},
     {"track", "track_id", "trackid", "tracks_id", "item", "item_id", "itemid", "song", "song_id", "movieid",
      "movie_id", "isrc", "recording_mbid"},
     {"time", "timestamp", "date", "datetime", "played_at", "listened_at", "unixtime"},
     {"artist", "artist_name", "artistname"},
     {"title", "track_name", "trackname", "song_name"},
     {"rating"},
     {"duration"},
     {"duration_ms"}}};

constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

/// How a table is laid out.
struct Layout {
  std::string_view separator;
  bool quoted = false;         ///< fields may stand in quotes (RFC 4180); without, blanks around them are padding
  bool header = false;         ///< the first line names the columns
  std::size_t columns = 0;     ///< of every line
  std::string_view described;  ///< what is in them, where no header says it
  std::array<std::size_t, kRoles> at{kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent};
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

void split(std::string_view line, std::string_view separator, Fields& fields) {
  fields.clear();
  for (std::size_t begin = 0;;) {
    const std::size_t end = line.find(separator, begin);
    fields.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    begin = end + separator.size();
  }
}

Fields split(std::string_view line, std::string_view separator) {
  Fields fields;
  split(line, separator, fields);
  return fields;
}

bool is_id_number(std::string_view text) {
  return !text.empty() && text.size() <= 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A time that no small number could be mistaken for: ISO 8601, or Unix time, of whatever unit, from 1990 on.
bool is_plain_time(std::string_view text) {
  constexpr double k1990 = 631'152'000;
  if (const auto value = log_number(text)) return *value >= k1990;
  return text.size() > 4 && text[4] == '-' && parse_time(text).has_value();
}

class TableParser : public LogParser {
 public:
  explicit TableParser(Layout layout) : layout_(layout) {}
  bool has_header() const override { return layout_.header; }

  void parse(std::string_view line, LogSink& sink) override {
    if (!fields(line)) return sink.broken("a quote is not closed");
    if (fields_.size() != layout_.columns)
      return sink.broken(fmt::format("{} columns, expected {}{}", fields_.size(), layout_.columns,
                                     layout_.header ? "" : fmt::format(" ({})", layout_.described)));
    LoggedListen listen{
        field(kUser), field(kItem), static_cast<std::int64_t>(sink.line()), field(kArtist), field(kTitle), {}, {}};
    std::string named;
    if (listen.item.empty()) listen.item = named = artist_and_title(listen.artist, listen.title);
    if (layout_.at[kTime] != kAbsent) {
      const auto time = sink.time(field(kTime));
      if (!time) return;
      listen.time = *time;
    }
    std::optional<double> milliseconds;
    if (!quantity(kRating, "rating", listen.rating, sink) || !quantity(kSeconds, "duration", listen.duration, sink) ||
        !quantity(kMilliseconds, "duration", milliseconds, sink))
      return;
    if (milliseconds) listen.duration = *milliseconds / 1000;
    sink.listen(listen);
  }

 private:
  bool fields(std::string_view line) {
    if (!layout_.quoted || line.find('"') == std::string_view::npos) {
      split(line, layout_.separator, fields_);
      if (!layout_.quoted)
        for (std::string_view& field : fields_) field = trimmed(field);
      return true;
    }
    const auto unquoted = parse_csv(line, layout_.separator.front());
    if (!unquoted) return false;
    unquoted_ = *unquoted;
    fields_.assign(unquoted_.begin(), unquoted_.end());
    return true;
  }

  std::string_view field(Role role) const {
    return layout_.at[role] == kAbsent ? std::string_view() : fields_[layout_.at[role]];
  }

  /// False, and the line is broken, if something stands there that is no number.
  bool quantity(Role role, const char* what, std::optional<double>& value, LogSink& sink) const {
    const std::string_view text = field(role);
    if (text.empty()) return true;
    value = log_number(text);
    if (!value) sink.broken(fmt::format("'{:.40}' is no {}: a number is expected", text, what));
    return value.has_value();
  }

  const Layout layout_;
  Fields fields_;
  std::vector<std::string> unquoted_;
};

std::unique_ptr<LogParser> table(const Layout& layout) { return std::make_unique<TableParser>(layout); }

/// The columns that names stand for; the first of those that have the same role counts.
std::array<std::size_t, kRoles> roles(const Fields& names) {
  std::array<std::size_t, kRoles> at{};
  at.fill(kAbsent);
  for (std::size_t i = names.size(); i-- > 0;) {
    std::string name = clean_text(names[i]);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    for (std::size_t role = 0; role < kRoles; ++role)
      if (std::find(kNames[role].begin(), kNames[role].end(), name) != kNames[role].end()) at[role] = i;
  }
  return at;
}

/// Column numbers of a headerless table, in this order.
Layout headerless(std::string_view separator, bool quoted, std::size_t columns, std::string_view described,
                  std::initializer_list<std::pair<Role, std::size_t>> at) {
  Layout layout{separator, quoted, false, columns, described};
  for (const auto& [role, column] : at) layout.at[role] = column;
  return layout;
}

[[noreturn]] void no_head(const char* format, std::string_view line) {
  throw Error(Category::bad_input, "read_listening_log",
              fmt::format("the first line is not how {} begins: '{:.60}'", format, clean_text(line)),
              "without --listens-format the format is told by the content");
}

// RecBole: name:type between tabs

/// The names of a header of RecBole; empty if it is none.
Fields recbole_names(std::string_view line) {
  constexpr std::array<std::string_view, 4> kTypes{"token", "token_seq", "float", "float_seq"};
  Fields names = split(line, "\t");
  for (std::string_view& name : names) {
    const std::size_t colon = name.rfind(':');
    if (colon == std::string_view::npos ||
        std::find(kTypes.begin(), kTypes.end(), trimmed(name.substr(colon + 1))) == kTypes.end())
      return {};
    name = name.substr(0, colon);
  }
  return names;
}

// CSV

/// A line that names a column of users and one of what they heard.
bool is_header(const Layout& layout) {
  return layout.at[kUser] != kAbsent && (layout.at[kItem] != kAbsent || layout.at[kTitle] != kAbsent);
}

Layout csv_header(std::string_view line, std::string_view separator) {
  const auto fields = parse_csv(line, separator.front());
  if (!fields) return {};
  return {separator, true, true, fields->size(), {}, roles(Fields(fields->begin(), fields->end()))};
}

/// By the header, or three columns divided by what divides the first line that anything divides.
Layout csv_layout(const FirstLines& lines) {
  constexpr std::array<std::string_view, 3> kSeparators{",", ";", "\t"};
  for (const std::string_view separator : kSeparators)
    if (!lines.empty())
      if (const Layout layout = csv_header(lines.front(), separator); is_header(layout)) return layout;
  const auto by = [](std::string_view separator) {
    return headerless(separator, true, 3, "user, track, time", {{kUser, 0}, {kItem, 1}, {kTime, 2}});
  };
  for (const std::string_view line : lines)
    for (const std::string_view separator : kSeparators)
      if (line.find(separator) != std::string_view::npos) return by(separator);
  return by(kSeparators.front());
}

/// Three columns between tabs could be a short sequence too: then the third is a time from 1990 on, or the three are no
/// row of numbers and have no blanks.
bool is_tabbed_listen(std::string_view line) {
  const Fields fields = split(line, "\t");
  if (fields.size() != 3) return false;
  return is_plain_time(fields[2]) ||
         (line.find(' ') == std::string_view::npos && !std::all_of(fields.begin(), fields.end(), is_id_number));
}

// MovieLens

constexpr std::string_view kColons = "::";

bool is_rating(std::string_view line) {
  const bool colons = line.find(kColons) != std::string_view::npos;
  const Fields fields = split(line, colons ? kColons : "\t");
  if (fields.size() != 4) return false;
  // Between tabs four numbers could be a short sequence: the fourth has to be a time beyond doubt.
  return is_id_number(trimmed(fields[0])) && is_id_number(trimmed(fields[1])) && log_number(trimmed(fields[2])) &&
         (colons ? log_number(trimmed(fields[3])).has_value() : is_plain_time(trimmed(fields[3])));
}

// Last.fm-1K

bool is_lastfm_line(std::string_view line) {
  const Fields fields = split(line, "\t");
  return fields.size() == 6 && !log_number(fields[1]) && is_plain_time(fields[1]);
}

}  // namespace

bool is_recbole(const FirstLines& lines) { return !recbole_names(lines.front()).empty(); }

std::unique_ptr<LogParser> recbole_parser(const FirstLines& lines) {
  const std::string_view head = lines.empty() ? std::string_view() : lines.front();
  const Fields names = recbole_names(head);
  const Layout layout{"\t", false, true, names.size(), {}, roles(names)};
  if (names.empty()) no_head("RecBole's .inter", head);
  if (!is_header(layout))
    throw Error(Category::bad_input, "read_listening_log",
                fmt::format("line 1: '{:.200}' names no column of users and one of items", clean_text(head)),
                "listens are in the .inter file: user_id:token, item_id:token, timestamp:float");
  if (head.find("_list:token_seq") != std::string_view::npos)
    throw Error(Category::unsupported, "read_listening_log",
                "line 1: each line repeats the history before it (a column of lists)",
                "name the .inter file that has one listen a line");
  return table(layout);
}

bool is_lastfm(const FirstLines& lines) { return most(lines, is_lastfm_line); }

std::unique_ptr<LogParser> lastfm_parser(const FirstLines&) {
  return table(headerless("\t", false, 6, "user, time, artist id, artist, track id, track",
                          {{kUser, 0}, {kTime, 1}, {kArtist, 3}, {kItem, 4}, {kTitle, 5}}));
}

bool is_movielens(const FirstLines& lines) { return most(lines, is_rating); }

std::unique_ptr<LogParser> movielens_parser(const FirstLines& lines) {
  if (csv_layout(lines).header) return csv_parser(lines);  // ratings.csv
  const bool colons = most(lines, [](std::string_view line) { return line.find(kColons) != std::string_view::npos; });
  return table(headerless(colons ? kColons : "\t", false, 4, "user, item, rating, time",
                          {{kUser, 0}, {kItem, 1}, {kRating, 2}, {kTime, 3}}));
}

bool is_csv(const FirstLines& lines) {
  return lines.front().find_first_of(",;") != std::string_view::npos || csv_layout(lines).header ||
         most(lines, is_tabbed_listen);
}

std::unique_ptr<LogParser> csv_parser(const FirstLines& lines) {
  const Layout layout = csv_layout(lines);
  if (layout.header && layout.at[kTime] == kAbsent)
    throw Error(Category::bad_input, "read_listening_log",
                fmt::format("line 1: '{:.200}' names no column of times", clean_text(lines.front())),
                fmt::format("it may be called {}", fmt::join(kNames[kTime], ", ")));
  return table(layout);
}

}  // namespace euterpe
