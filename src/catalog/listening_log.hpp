#pragma once
/// Listening logs as they are published and exported, read as a stream of listens in bounded memory.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace euterpe {

/// One listen as its log tells it. The texts are UTF-8 without NUL and live until the next listen is read.
struct LoggedListen {
  std::string_view user;           ///< 1 to kLongestId bytes, as every id
  std::string_view item;           ///< the log's own id, or "artist – title" where it has none
  std::int64_t time = 0;           ///< Unix seconds. Where a log has no times: in sequences the place in the history,
                                   ///< from 1, otherwise the number of the line
  std::string_view artist, title;  ///< empty where the log does not say
  std::optional<double> rating;    ///< on the log's own scale
  std::optional<double> duration;  ///< of the recording, in seconds
};
constexpr std::size_t kLongestId = 4096;
constexpr std::size_t kLongestLogLine = 16 << 20;  ///< bytes

using FirstLines = std::vector<std::string_view>;  ///< lines with content

/// The lines of a log. The first of them (1,000, or 1 MiB) are read ahead, for they tell its format.
class LogLines {
 public:
  explicit LogLines(std::istream& in);
  FirstLines first() const;      ///< of those ahead, until next() is called; what is too long is left out
  bool next(std::string& line);  ///< the next line with content; false at the end; cut short if too_long()
  bool too_long() const { return line_.too_long; }
  std::size_t number() const { return line_.number; }  ///< of the last line, from 1, counting empty ones

 private:
  struct Line {
    std::string text;
    std::size_t number = 0;
    bool too_long = false;
  };
  bool read(Line& line);

  LineReader reader_;
  std::deque<Line> ahead_;
  Line line_;
};

class LogParser;  ///< catalog/log_parser.hpp

/// A row of the table of formats.
struct LogFormat {
  const char* name;     ///< as options take it
  const char* summary;  ///< what a line holds
  bool (*recognizes)(const FirstLines& lines);
  std::unique_ptr<LogParser> (*parser)(const FirstLines& lines);  ///< throws Error{bad_input} if their head is not its
};

std::span<const LogFormat> log_formats();            ///< in the order in which recognize_log() asks
const LogFormat& log_format(std::string_view name);  ///< Error{usage} names those that are known

/// The first format that the first lines look like; an empty log is one of sequences.
/// Throws Error{bad_input} for a table that is none of them, and Error{unsupported} for what is packed or UTF-16.
const LogFormat& recognize_log(const LogLines& lines);

struct LogSummary {
  std::size_t lines = 0;              ///< with content, the header left out
  std::size_t broken = 0;             ///< lines that were left out, or read in part
  std::vector<std::string> problems;  ///< the first kListedProblems of them: "line 7: …"
  bool interrupted = false;           ///< a signal came; what was read until then is counted
};
constexpr std::size_t kListedProblems = 20;

/// Calls `each` with every listen of the log, in the order of its lines, which need not be that of time. Lines that are
/// broken (too long, no UTF-8, a column too many, a time in milliseconds …) are left out and reported.
/// Needs memory for the first lines and the longest one, whatever the log's length.
LogSummary read_listening_log(LogLines& lines, const LogFormat& format,
                              const std::function<void(const LoggedListen&)>& each);

}  // namespace euterpe
