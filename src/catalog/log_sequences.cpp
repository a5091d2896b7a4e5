// Listening logs without times, words between blanks: SASRec (Kang and McAuley 2018) and S3-Rec (Zhou et al. 2020).
#include <fmt/format.h>

#include <unordered_set>

#include "catalog/log_parser.hpp"

namespace euterpe {
namespace {

constexpr std::string_view kBlanks = " \t";

/// Takes the first word off the front of `text`; empty at the end.
std::string_view take_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

std::size_t words(std::string_view line) {
  std::size_t count = 0;
  while (!take_word(line).empty()) ++count;
  return count;
}

class SequenceParser : public LogParser {
 public:
  explicit SequenceParser(bool users) : users_(users) {}

  void parse(std::string_view line, LogSink& sink) override {
    const std::string user = users_ ? std::string(take_word(line)) : std::to_string(sink.line());
    std::int64_t position = 0;
    for (auto item = take_word(line); !item.empty(); item = take_word(line))
      sink.listen({user, item, ++position, {}, {}, {}, {}});
    if (position == 0) sink.broken(fmt::format("user '{:.40}' has no items", user));
  }

 private:
  const bool users_;
};

class PairParser : public LogParser {
 public:
  void parse(std::string_view line, LogSink& sink) override {
    if (const std::size_t count = words(line); count != 2)
      return sink.broken(fmt::format("{} words, expected 2 (user, item)", count));
    const std::string_view user = take_word(line);
    sink.listen({user, take_word(line), static_cast<std::int64_t>(sink.line()), {}, {}, {}, {}});
  }
};

/// Three columns or more between tabs that hold blanks or nothing, and more than numbers: a table, whose words are no
/// items.
bool is_table_row(std::string_view line) {
  return std::count(line.begin(), line.end(), '\t') > 1 &&
         line.find_first_not_of("0123456789 \t") != std::string_view::npos &&
         (line.find(' ') != std::string_view::npos || line.find("\t\t") != std::string_view::npos);
}

/// Some line begins with the same word as one before it.
bool beginnings_recur(const FirstLines& lines) {
  std::unordered_set<std::string_view> beginnings;
  for (std::string_view line : lines) beginnings.insert(take_word(line));
  return beginnings.size() < lines.size();
}

}  // namespace

/// Two words on most lines could also be sequences of one item each. In those a user has one line, in pairs many.
bool is_pairs(const FirstLines& lines) {
  return most(lines, [](std::string_view line) { return words(line) == 2; }) && beginnings_recur(lines);
}

std::unique_ptr<LogParser> pairs_parser(const FirstLines&) { return std::make_unique<PairParser>(); }

/// Numbers alone, of which the first is no user's, for a user has one line.
bool is_histories(const FirstLines& lines) {
  const auto numbers = [](std::string_view line) {
    return line.find_first_not_of("0123456789 \t") == std::string_view::npos;
  };
  return std::all_of(lines.begin(), lines.end(), numbers) && beginnings_recur(lines);
}

std::unique_ptr<LogParser> histories_parser(const FirstLines&) { return std::make_unique<SequenceParser>(false); }

bool is_sequences(const FirstLines& lines) { return !most(lines, is_table_row); }

std::unique_ptr<LogParser> sequences_parser(const FirstLines&) { return std::make_unique<SequenceParser>(true); }

}  // namespace euterpe
