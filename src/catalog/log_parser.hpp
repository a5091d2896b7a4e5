#pragma once
/// What a format of listening logs is made of; for the log_*.cpp files and their table in listening_log.cpp.
#include <algorithm>
#include <string>

#include "catalog/listening_log.hpp"

namespace euterpe {

/// Takes what a parser finds, checks it and counts.
class LogSink {
 public:
  LogSink(const std::function<void(const LoggedListen&)>& each, LogSummary& summary) : each_(each), summary_(summary) {}
  void begin_line(std::size_t number);
  std::size_t line() const { return line_; }  ///< its number
  void listen(const LoggedListen& listen);    ///< passed on unless an id is empty, too long or holds a NUL
  void broken(std::string_view cause);        ///< the line, however often it is said
  std::optional<std::int64_t> time(std::string_view text);  ///< Unix seconds; if it is none, the line is broken

 private:
  bool is_id(std::string_view id, const char* what);

  const std::function<void(const LoggedListen&)>& each_;
  LogSummary& summary_;
  std::size_t line_ = 0;
  bool broken_ = false;
};

class LogParser {
 public:
  virtual ~LogParser() = default;
  virtual bool has_header() const { return false; }              ///< the first line with content names the columns
  virtual void parse(std::string_view line, LogSink& sink) = 0;  ///< a line with content, UTF-8
};

std::optional<double> log_number(std::string_view text);  ///< a finite number and nothing else

/// "artist – title", or the one of them that there is.
std::string artist_and_title(std::string_view artist, std::string_view title);

/// More than half of the lines are so: a few broken ones do not hide a format.
template <typename Is>
bool most(const FirstLines& lines, Is is) {
  return 2 * static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), is)) > lines.size();
}

// A pair for each format: its rows are in listening_log.cpp.
bool is_listenbrainz(const FirstLines& lines);
std::unique_ptr<LogParser> listenbrainz_parser(const FirstLines& lines);
bool is_recbole(const FirstLines& lines);
std::unique_ptr<LogParser> recbole_parser(const FirstLines& lines);
bool is_lastfm(const FirstLines& lines);
std::unique_ptr<LogParser> lastfm_parser(const FirstLines& lines);
bool is_movielens(const FirstLines& lines);
std::unique_ptr<LogParser> movielens_parser(const FirstLines& lines);
bool is_csv(const FirstLines& lines);
std::unique_ptr<LogParser> csv_parser(const FirstLines& lines);
bool is_pairs(const FirstLines& lines);
std::unique_ptr<LogParser> pairs_parser(const FirstLines& lines);
bool is_histories(const FirstLines& lines);
std::unique_ptr<LogParser> histories_parser(const FirstLines& lines);
bool is_sequences(const FirstLines& lines);
std::unique_ptr<LogParser> sequences_parser(const FirstLines& lines);

}  // namespace euterpe
