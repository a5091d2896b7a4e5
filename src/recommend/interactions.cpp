#include "recommend/interactions.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

std::vector<std::int64_t> fields(std::string_view text, const std::string& file, std::size_t line) {
  std::vector<std::int64_t> values;
  std::size_t at = 0;
  while (true) {
    at = text.find_first_not_of(" \t\r", at);
    if (at == std::string_view::npos) return values;
    const std::size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
    const std::string_view field = text.substr(at, end - at);
    std::int64_t value = -1;
    const auto [stop, code] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (code != std::errc() || stop != field.data() + field.size() || value < 0 ||
        value > std::numeric_limits<std::int32_t>::max())
      throw Error(Category::bad_input, "read_log",
                  file + ": line " + std::to_string(line) + ", column " + std::to_string(at + 1) + ": '" +
                      std::string(field.substr(0, 40)) + "' is not an id (an integer from 0 to 2147483647)",
                  "a log has one listener a line: user item item ..., or item item ...");
    values.push_back(value);
    at = end;
  }
}

std::vector<LogLine> read_lines(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  std::vector<LogLine> lines;
  std::size_t begin = 0, number = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    ++number;
    auto values = fields(std::string_view(text).substr(begin, end - begin), path.filename().string(), number);
    if (!values.empty()) lines.push_back({-1, std::move(values), number});
    begin = end + 1;
  }
  if (lines.empty())
    throw Error(Category::bad_input, "read_log", path.string() + ": the file holds no listens",
                "a log has one listener a line: user item item ...");
  return lines;
}

void split_users(std::vector<LogLine>& lines) {
  for (LogLine& line : lines) {
    line.user = line.items.front();
    line.items.erase(line.items.begin());
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

std::vector<LogLine> read_log(const std::filesystem::path& path) {
  std::vector<LogLine> lines = read_lines(path);
  const std::int64_t first = lines.front().items.front();
  bool counts = lines.size() > 1 && first <= 1;
  for (std::size_t i = 0; counts && i < lines.size(); ++i)
    counts = lines[i].items.front() == first + static_cast<std::int64_t>(i);
  if (counts) split_users(lines);
  return lines;
}

std::vector<LogLine> read_log(const std::filesystem::path& path, bool has_users) {
  std::vector<LogLine> lines = read_lines(path);
  if (has_users) split_users(lines);
  return lines;
}

void ItemNumbers::add(std::span<const std::int64_t> ids) { ids_.insert(ids_.end(), ids.begin(), ids.end()); }

void ItemNumbers::finish() {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

int ItemNumbers::number(std::int64_t id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  EUTERPE_ASSERT(found != ids_.end() && *found == id);
  return static_cast<int>(found - ids_.begin());
}

History ItemNumbers::numbers(std::span<const std::int64_t> ids) const {
  History result;
  result.reserve(ids.size());
  for (const std::int64_t id : ids) result.push_back(number(id));
  return result;
}

}  // namespace euterpe
