#include "recommend/interactions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"

namespace euterpe {
namespace {

/// The ids on a line into `values`, whose memory is used again.
void read_ids(std::string_view text, const std::string& file, std::size_t line, std::vector<int>& values) {
  values.clear();
  std::size_t at = 0;
  while (true) {
    at = text.find_first_not_of(" \t\r", at);
    if (at == std::string_view::npos) return;
    const std::size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
    const std::string_view field = text.substr(at, end - at);
    int value = -1;
    const auto [stop, code] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (code != std::errc() || stop != field.data() + field.size() || value < 0)
      throw Error(Category::bad_input, "read_log",
                  file + ": line " + std::to_string(line) + ", column " + std::to_string(at + 1) + ": '" +
                      std::string(field.substr(0, 40)) + "' is not an id (an integer from 0 to 2147483647)",
                  "a log has one listener a line: user item item ..., or item item ...");
    values.push_back(value);
    at = end;
  }
}

std::ifstream open(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) read_text(path);  // says why
  return file;
}

std::vector<LogLine> read_lines(LogLines& lines, const std::filesystem::path& path) {
  std::vector<LogLine> listeners;
  std::vector<int> values;
  for (std::string line; lines.next(line);) {
    check_interrupt();
    if (lines.too_long())
      throw Error(Category::bad_input, "read_log",
                  path.filename().string() + ": line " + std::to_string(lines.number()) + " is longer than " +
                      std::to_string(kLongestLogLine >> 20) + " MiB",
                  "a log has one listener a line: user item item ...");
    read_ids(line, path.filename().string(), lines.number(), values);
    if (!values.empty()) listeners.push_back({-1, values, lines.number()});
  }
  if (listeners.empty())
    throw Error(Category::bad_input, "read_log", path.string() + ": the file holds no listens",
                "a log has one listener a line: user item item ...");
  return listeners;
}

void split_users(std::vector<LogLine>& lines) {
  for (LogLine& line : lines) {
    line.user = line.items.front();
    line.items.erase(line.items.begin());
  }
}

/// 1, 2, 3 … or 0, 1, 2 …
bool beginnings_count(const std::vector<LogLine>& lines) {
  const std::int64_t first = lines.front().items.front();
  bool counts = lines.size() > 1 && first <= 1;
  for (std::size_t i = 0; counts && i < lines.size(); ++i)
    counts = lines[i].items.front() == first + static_cast<std::int64_t>(i);
  return counts;
}

/// Numbers of names in the order in which they are first seen.
class NameNumbers {
 public:
  int number(std::string_view name) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    return numbers_.emplace(name, static_cast<int>(numbers_.size())).first->second;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  std::unordered_map<std::string, int, Hash, std::equal_to<>> numbers_;
};

/// A listen until it can be put in its place.
struct Heard {
  int item;
  std::uint32_t time;  ///< Unix seconds; four bytes less for each of millions than all years would need
};

/// The time of the last of the first `share` of all listens.
std::uint32_t split_of(const std::vector<std::vector<Heard>>& heard, double share) {
  std::vector<std::uint32_t> times;
  for (const std::vector<Heard>& own : heard)
    for (const Heard& one : own) times.push_back(one.time);
  if (times.empty()) return 0;
  const auto last = static_cast<std::size_t>(share * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(last), times.end());
  return times[last];
}

void read_listens(LogLines& lines, const LogFormat& format, double first_share, HistoryLog& log) {
  NameNumbers users, items;
  std::vector<std::vector<Heard>> heard;
  log.summary = read_listening_log(lines, format, [&](const LoggedListen& listen) {
    const auto user = static_cast<std::size_t>(users.number(listen.user));
    if (user == heard.size()) heard.emplace_back();
    std::vector<Heard>& own = heard[user];
    if (own.size() == own.capacity()) own.reserve(own.size() + own.size() / 4 + 4);  // doubling would waste a third
    own.push_back({items.number(listen.item), static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                                                  listen.time, 0, std::numeric_limits<std::uint32_t>::max()))});
  });
  check_interrupt();
  users = {};
  if (first_share < 1) log.split_time = split_of(heard, first_share);
  std::vector<LogLine>& listeners = log.listeners;
  listeners.resize(heard.size());
  for (std::size_t user = 0; user < heard.size(); ++user) {
    std::vector<Heard> own = std::move(heard[user]);
    std::stable_sort(own.begin(), own.end(), [](const Heard& a, const Heard& b) { return a.time < b.time; });
    listeners[user].user = static_cast<std::int64_t>(user);
    listeners[user].items.reserve(own.size());
    for (const Heard& one : own) {
      listeners[user].items.push_back(one.item);
      listeners[user].after += first_share < 1 && one.time > log.split_time;
    }
  }
}

}  // namespace

History latest_distinct(std::span<const int> history, std::size_t longest) {
  History kept;
  std::unordered_set<int> seen;
  for (std::size_t i = history.size(); i > 0 && kept.size() < longest; --i)
    if (seen.insert(history[i - 1]).second) kept.push_back(history[i - 1]);
  std::reverse(kept.begin(), kept.end());
  return kept;
}

HistoryLog read_log(const std::filesystem::path& path, std::string_view format_name, double first_share) {
  std::ifstream file = open(path);
  LogLines lines(file);
  const LogFormat& format = format_name.empty() ? recognize_log(lines) : log_format(format_name);
  HistoryLog log;
  log.format = format.name;
  log.own_ids = log.format == "sequences" || log.format == "histories";
  if (log.own_ids && first_share < 1)
    throw Error(Category::usage, "read_log", fmt::format("{}: {} have no times to split by", path.string(), log.format),
                "a log with times is asked for, or leave-one-out");
  if (log.own_ids) {
    log.listeners = read_lines(lines, path);
    if (format_name.empty() ? beginnings_count(log.listeners) : format_name == "sequences") split_users(log.listeners);
  } else {
    read_listens(lines, format, first_share, log);
    if (log.listeners.empty())
      throw Error(Category::bad_input, "read_log", path.string() + ": the file holds no listens",
                  log.summary.problems.empty() ? "" : log.summary.problems.front());
  }
  return log;
}

std::vector<LogLine> read_sequences(const std::filesystem::path& path, bool has_users) {
  std::ifstream file = open(path);
  LogLines lines(file);
  std::vector<LogLine> listeners = read_lines(lines, path);
  if (has_users) split_users(listeners);
  return listeners;
}

void ItemNumbers::add(std::span<const int> ids) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  constexpr std::size_t kMost = 1 << 20;
  if (ids_.size() > 2 * distinct_ + kMost) finish();  // a log names its items many times
}

void ItemNumbers::finish() {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  distinct_ = ids_.size();
}

int ItemNumbers::number(int id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  EUTERPE_ASSERT(found != ids_.end() && *found == id);
  return static_cast<int>(found - ids_.begin());
}

History ItemNumbers::numbers(History ids) const {
  for (int& id : ids) id = number(id);
  return ids;
}

}  // namespace euterpe
