#pragma once
/// Who heard what, in order of time, with items numbered 0 … items − 1.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace euterpe {

using History = std::vector<int>;  ///< item numbers, oldest first; repeats allowed

/// Longer histories are cut to their latest distinct items when a model is fitted or asked, which bounds the quadratic
/// work.
inline constexpr std::size_t kLongestHistory = 2000;

/// Each item once, at the place of its latest occurrence, oldest first, at most the latest `longest` items.
History latest_distinct(std::span<const int> history, std::size_t longest = kLongestHistory);

/// One line of a listening log as published: ids as they stand there.
struct LogLine {
  std::int64_t user = -1;  ///< −1 where the file has no user column
  std::vector<std::int64_t> items;
  std::size_t line = 0;  ///< 1-based, for messages
};

/// Reads `user item item …` or `item item …`, one listener a line, ids non-negative integers below 2^31, separated by
/// spaces or tabs. A user column is there if the first fields count 1, 2, 3 … (or 0, 1, 2 …) over two lines or more.
/// Empty lines are skipped. Error{bad_input} names the file, the line and the field that is no id.
std::vector<LogLine> read_log(const std::filesystem::path& path);

/// The same with the presence of the user column known.
std::vector<LogLine> read_log(const std::filesystem::path& path, bool has_users);

/// Dense numbers for the ids of several logs, in ascending order of id.
class ItemNumbers {
 public:
  void add(std::span<const std::int64_t> ids);
  void finish();  ///< sorts; numbers are valid from here on
  int count() const { return static_cast<int>(ids_.size()); }
  int number(std::int64_t id) const;  ///< the id must have been added
  History numbers(std::span<const std::int64_t> ids) const;

 private:
  std::vector<std::int64_t> ids_;
};

}  // namespace euterpe
