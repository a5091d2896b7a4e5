#pragma once
/// Who heard what, in order of time, with items numbered 0 … items − 1.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "catalog/listening_log.hpp"

namespace euterpe {

using History = std::vector<int>;  ///< item numbers, oldest first; repeats allowed

/// Longer histories are cut to their latest distinct items when a model is fitted or asked, which bounds the quadratic
/// work.
inline constexpr std::size_t kLongestHistory = 2000;

/// Each item once, at the place of its latest occurrence, oldest first, at most the latest `longest` items.
History latest_distinct(std::span<const int> history, std::size_t longest = kLongestHistory);

/// What one listener heard, as the log has it.
struct LogLine {
  std::int64_t user = -1;  ///< −1 where the file has no users
  std::vector<int> items;  ///< oldest first
  std::size_t line = 0;    ///< from 1, for messages; 0 where a listener has many
  std::size_t after = 0;   ///< of the items, the latest: heard after HistoryLog::split_time
};

struct HistoryLog {
  std::vector<LogLine> listeners;
  std::string_view format;      ///< a name of log_formats() in catalog/listening_log.hpp
  bool own_ids = false;         ///< the file's own integers; otherwise users and items have numbers as they first occur
  LogSummary summary;           ///< where ids are not its own; where they are, a broken line is an error
  std::int64_t split_time = 0;  ///< Unix seconds, if read_log() was asked to split
};

/// Reads a log of any format.
///   Sequences: `user item item …` or `item item …`, one listener a line, ids non-negative integers below 2^31,
///     separated by spaces or tabs. A user column is there if the first fields count 1, 2, 3 … (or 0, 1, 2 …) over two
///     lines or more. Empty lines are skipped. Error{bad_input} names the file, the line and the field that is no id.
///   Others: a listener's listens are put in the order of their times, equal ones in that of the file. Times before
///   1970
///     count as 1970, those after 2106 as 2106.
/// Memory: four bytes for a listen (up to twelve while a log with times is read), and about a hundred for a listener
/// and for a name. \param format a name of log_formats(), of which `sequences` and `histories` say whether there are
/// users; empty: told
///   by the content
/// \param first_share below 1: the time until which this share of all listens has come splits the log; Error{usage} if
///   it has no times
HistoryLog read_log(const std::filesystem::path& path, std::string_view format = {}, double first_share = 1);

/// The first of them, with the presence of the user column known.
std::vector<LogLine> read_sequences(const std::filesystem::path& path, bool has_users);

/// Dense numbers for the ids of several logs, in ascending order of id.
class ItemNumbers {
 public:
  void add(std::span<const int> ids);
  void finish();  ///< sorts; numbers are valid from here on
  int count() const { return static_cast<int>(ids_.size()); }
  int number(int id) const;  ///< the id must have been added
  History numbers(History ids) const;
  const std::vector<int>& ids() const { return ids_; }  ///< of each number

 private:
  std::vector<int> ids_;
  std::size_t distinct_ = 0;  ///< when they were sorted last
};

}  // namespace euterpe
