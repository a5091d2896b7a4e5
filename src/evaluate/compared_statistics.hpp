#pragma once
/// Statistics of generated music beside those of real music.
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace euterpe {

using MusicStatistics = std::map<std::string, double>;  ///< as score_statistics() gives them

struct ComparedStatistic {
  double generated = 0, real = 0;  ///< means
  double real_se = 0;              ///< standard error of `real` with pieces as what is independent
  /// |generated − real| ≤ max(share · real, 2 real_se); a …_rate differs by at most `share` itself.
  bool within(const std::string& name, double share) const;
};

/// \param real_piece [real] which piece each is from; both sets hold at least one
std::map<std::string, ComparedStatistic> compare_statistics(std::span<const MusicStatistics> generated,
                                                            std::span<const MusicStatistics> real,
                                                            std::span<const std::size_t> real_piece);
/// {NAME: {generated, real, real_se}}
nlohmann::json to_json(const std::map<std::string, ComparedStatistic>& statistics);

}  // namespace euterpe
