#include "evaluate/compared_statistics.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {

bool ComparedStatistic::within(const std::string& name, double share) const {
  const bool rate = name.ends_with("_rate");
  return std::abs(generated - real) <= std::max(rate ? share : share * std::abs(real), 2 * real_se);
}

std::map<std::string, ComparedStatistic> compare_statistics(std::span<const MusicStatistics> generated,
                                                            std::span<const MusicStatistics> real,
                                                            std::span<const std::size_t> real_piece) {
  EUTERPE_ASSERT(!generated.empty() && !real.empty() && real.size() == real_piece.size());
  const auto mean = [](std::span<const MusicStatistics> set, const std::string& name) {
    double sum = 0;
    for (const MusicStatistics& s : set) sum += s.at(name);
    return sum / static_cast<double>(set.size());
  };
  std::map<std::string, ComparedStatistic> out;
  for (const auto& [name, first] : real.front()) {
    ComparedStatistic& c = out[name];
    c.generated = mean(generated, name);
    c.real = mean(real, name);
    std::map<std::size_t, double> off;
    for (std::size_t i = 0; i < real.size(); ++i) off[real_piece[i]] += real[i].at(name) - c.real;
    double square = 0;
    for (const auto& [piece, sum] : off) square += sum * sum;
    const double pieces = static_cast<double>(off.size());
    if (pieces > 1) c.real_se = std::sqrt(square * pieces / (pieces - 1)) / static_cast<double>(real.size());
  }
  return out;
}

nlohmann::json to_json(const std::map<std::string, ComparedStatistic>& statistics) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, s] : statistics)
    out[name] = {{"generated", s.generated}, {"real", s.real}, {"real_se", s.real_se}};
  return out;
}

}  // namespace euterpe
