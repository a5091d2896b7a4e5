#pragma once
/// Text from outside: bytes to UTF-8, lines of a bounded length, CSV records, times.
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

bool is_utf8(std::string_view bytes);  ///< well-formed by RFC 3629 (no surrogates, no overlong forms)

/// UTF-8 without control characters or blanks at its ends; bytes that are no UTF-8 are read as Latin-1, which most old
/// tags and MIDI texts are.
std::string clean_text(std::string_view bytes);

/// Lines of any stream in bounded memory. LF and CRLF end a line; a byte order mark at the beginning is passed over.
class LineReader {
 public:
  explicit LineReader(std::istream& in, std::size_t longest) : in_(in), longest_(longest) {}
  bool next(std::string& line);                   ///< false at the end; a line that is too long comes cut short
  bool too_long() const { return too_long_; }     ///< the last line was
  std::size_t number() const { return number_; }  ///< of the last line, from 1

 private:
  std::istream& in_;
  std::size_t longest_, number_ = 0;
  bool too_long_ = false;
};

/// One record of RFC 4180 on one line; empty optional if a quote is not closed or text follows a closing one.
std::optional<std::vector<std::string>> parse_csv(std::string_view line, char delimiter = ',');
std::string csv_field(std::string_view value);  ///< quoted where it must be

/// Unix seconds from Unix seconds ("1577836800", a fraction is cut off) or ISO 8601 ("2020-01-01",
/// "2020-01-01T00:00:00Z", "2020-01-01 00:00:00.5+02:00"; without a zone UTC is meant). Empty if it is neither, or
/// beyond the years 1–9999.
std::optional<std::int64_t> parse_time(std::string_view text);
std::string format_time(std::int64_t unix_seconds);  ///< "2020-01-01T00:00:00Z"

}  // namespace euterpe
