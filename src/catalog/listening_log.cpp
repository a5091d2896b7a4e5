#include "catalog/listening_log.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "catalog/log_parser.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kLinesAhead = 1000, kBytesAhead = 1 << 20;

/// From the most telling to the one that takes any words.
constexpr std::array<LogFormat, 8> kFormats{{
    {"listenbrainz", "ListenBrainz's JSON, one object a line", is_listenbrainz, listenbrainz_parser},
    {"recbole", "RecBole's .inter: user_id:token, item_id:token, timestamp:float", is_recbole, recbole_parser},
    {"lastfm-1k", "Last.fm-1K's table: user, ISO time, artist id, artist, track id, track", is_lastfm, lastfm_parser},
    {"movielens", "MovieLens's u.data and ratings.dat: user, item, rating, time", is_movielens, movielens_parser},
    {"csv", "comma, semicolon or tab; a header names the columns, else user, track, time", is_csv, csv_parser},
    {"pairs", "SASRec's text, `user item` a line, oldest first", is_pairs, pairs_parser},
    {"histories", "`item item ...` a line, oldest first; the line's number is the user", is_histories,
     histories_parser},
    {"sequences", "SASRec's and S3-Rec's text, `user item item ...` a line, oldest first", is_sequences,
     sequences_parser},
}};

/// What is no text and cannot be told from a line: how its bytes begin.
struct Packed {
  std::string_view magic;
  const char* name;
  const char* hint;
};
constexpr std::array<Packed, 7> kPacked{{
    {"\x1F\x8B", "gzip", "zcat FILE | euterpe ingest --listens -"},
    {"\x28\xB5\x2F\xFD", "Zstandard", "zstdcat FILE | euterpe ingest --listens -"},
    {"\xFD"
     "7zXZ",
     "xz", "xzcat FILE | euterpe ingest --listens -"},
    {"BZh9", "bzip2", "bzcat FILE | euterpe ingest --listens -"},
    {"PK\x03\x04", "a zip archive", "unzip -p FILE NAME | euterpe ingest --listens -"},
    {"\xFF\xFE", "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE | euterpe ingest --listens -"},
    {"\xFE\xFF", "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE | euterpe ingest --listens -"},
}};

constexpr double kLatestTime = 253'402'300'799;  // the year 9999; milliseconds pass it in 1978

}  // namespace

LogLines::LogLines(std::istream& in) : reader_(in, kLongestLogLine) {
  std::size_t bytes = 0;
  for (Line line; ahead_.size() < kLinesAhead && bytes < kBytesAhead && read(line);) {
    bytes += line.text.size();
    ahead_.push_back(std::move(line));
  }
}

bool LogLines::read(Line& line) {
  do {
    if (!reader_.next(line.text)) return false;
  } while (line.text.find_first_not_of(" \t") == std::string::npos);
  line.number = reader_.number();
  line.too_long = reader_.too_long();
  return true;
}

FirstLines LogLines::first() const {
  FirstLines lines;
  for (const Line& line : ahead_)
    if (!line.too_long) lines.emplace_back(line.text);
  return lines;
}

bool LogLines::next(std::string& line) {
  if (!ahead_.empty()) {
    line_ = std::move(ahead_.front());
    ahead_.pop_front();
    line.swap(line_.text);
    return true;
  }
  line.swap(line_.text);  // both keep their memory
  if (!read(line_)) return false;
  line.swap(line_.text);
  return true;
}

std::span<const LogFormat> log_formats() { return kFormats; }

const LogFormat& log_format(std::string_view name) {
  std::vector<std::string_view> names;
  for (const LogFormat& format : kFormats) {
    if (name == format.name) return format;
    names.emplace_back(format.name);
  }
  throw Error(Category::usage, "log_format", fmt::format("no format of listening logs is called '{:.40}'", name),
              fmt::format("there are {}", fmt::join(names, ", ")));
}

const LogFormat& recognize_log(const LogLines& lines) {
  const FirstLines first = lines.first();
  if (first.empty()) return kFormats.back();
  for (const Packed& packed : kPacked)
    if (first.front().starts_with(packed.magic))
      throw Error(Category::unsupported, "read_listening_log", fmt::format("the log is {}, not text", packed.name),
                  packed.hint);
  for (const LogFormat& format : kFormats)
    if (format.recognizes(first)) return format;
  throw Error(Category::bad_input, "read_listening_log",
              fmt::format("a table of no format that is known: '{:.60}'", clean_text(first.front())),
              "put a line before it that names the columns: user, artist, title, time ...");
}

void LogSink::begin_line(std::size_t number) {
  line_ = number;
  broken_ = false;
  ++summary_.lines;
}

void LogSink::listen(const LoggedListen& listen) {
  if (is_id(listen.user, "user") && is_id(listen.item, "track")) each_(listen);
}

void LogSink::broken(std::string_view cause) {
  if (broken_) return;
  broken_ = true;
  ++summary_.broken;
  if (summary_.problems.size() < kListedProblems) summary_.problems.push_back(fmt::format("line {}: {}", line_, cause));
}

std::optional<std::int64_t> LogSink::time(std::string_view text) {
  if (const auto seconds = parse_time(text)) return seconds;
  const auto value = log_number(text);  // as 8.7489e+08, which tables of floats are written with
  if (value && *value >= 0 && *value <= kLatestTime) return static_cast<std::int64_t>(*value);
  const double factor = value && *value > 0 ? *value / kLatestTime : 0;
  const char* unit = factor > 1e6 ? "nanoseconds" : factor > 1e3 ? "microseconds" : "milliseconds";
  if (factor > 1 && factor < 1e9)
    broken(fmt::format("'{:.40}' is a time in {}, expected are Unix seconds or ISO 8601", text, unit));
  else
    broken(
        fmt::format("'{:.40}' is no time: Unix seconds (not milliseconds) or ISO 8601 (2020-12-31T23:59:00Z)", text));
  return {};
}

bool LogSink::is_id(std::string_view id, const char* what) {
  if (id.empty())
    broken(fmt::format("no {}", what));
  else if (id.size() > kLongestId)
    broken(fmt::format("the {}'s id has {} bytes, at most {} are read", what, id.size(), kLongestId));
  else if (id.find('\0') != std::string_view::npos)
    broken(fmt::format("the {}'s id holds a NUL", what));
  else
    return true;
  return false;
}

std::optional<double> log_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::string artist_and_title(std::string_view artist, std::string_view title) {
  std::string both(artist);
  if (!artist.empty() && !title.empty()) both += " – ";
  return both += title;
}

LogSummary read_listening_log(LogLines& lines, const LogFormat& format,
                              const std::function<void(const LoggedListen&)>& each) {
  LogSummary summary;
  LogSink sink(each, summary);
  const auto parser = format.parser(lines.first());
  bool header = parser->has_header();
  for (std::string line; !interrupted() && lines.next(line);) {
    if (header && !lines.too_long()) {
      header = false;
      continue;
    }
    sink.begin_line(lines.number());
    if (lines.too_long())
      sink.broken(fmt::format("longer than {} MiB", kLongestLogLine >> 20));
    else if (const auto nul = line.find('\0'); nul != std::string::npos)
      sink.broken(fmt::format("a NUL at byte {}: this is no text", nul + 1));
    else if (!is_utf8(line))
      sink.broken("the bytes are no UTF-8");
    else
      parser->parse(line, sink);
  }
  summary.interrupted = interrupted();
  return summary;
}

}  // namespace euterpe
