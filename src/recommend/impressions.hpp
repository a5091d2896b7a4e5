#pragma once
/// Logs of what was shown to whom, with which probability, and what came of it.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace euterpe {

struct Impression {
  std::string user, item;
  double propensity = 0;             ///< of having been shown, 0 < p ≤ 1
  double reward = 0;                 ///< finite; 1 = listened, 0 = not
  std::optional<std::int64_t> time;  ///< Unix seconds
  std::optional<int> position;       ///< in the list, from 1
  /// Of a policy to be judged, where the file brings them (see LoggedReward): its probability of this item, a reward
  /// model's prediction for it, and that prediction's mean under the policy.
  std::optional<double> target, predicted, expected;
};

/// CSV (comma or semicolon) whose first line names the columns in any order: user, item, propensity, reward; optional
/// are time (Unix seconds or ISO 8601), position, target, predicted, expected. Empty optional fields are allowed, empty
/// lines are passed over. Error{bad_input} names the line and the column: a missing or unknown column, a line of
/// another width, no number, a propensity of 0 or beyond 1, a target beyond 0–1, a position below 1; and a file without
/// rows. \param name of the file, for messages
std::vector<Impression> read_impressions(std::istream& in, const std::string& name);
std::vector<Impression> read_impressions(const std::filesystem::path& path);  ///< Error{not_found} too

}  // namespace euterpe
