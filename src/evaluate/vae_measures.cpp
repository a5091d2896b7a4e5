#include "evaluate/vae_measures.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "evaluate/control_measures.hpp"
#include "score/skyline.hpp"

namespace euterpe {

double note_f(const BarGrid& a, const BarGrid& b) {
  const std::vector<GridNote> one = grid_notes(a), other = grid_notes(b);
  if (one.empty() && other.empty()) return 1;
  const auto before = [](const GridNote& x, const GridNote& y) {
    return std::pair(x.onset, x.pitch) < std::pair(y.onset, y.pitch);
  };
  std::vector<GridNote> both;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both), before);
  return 2.0 * static_cast<double>(both.size()) / static_cast<double>(one.size() + other.size());
}

int active_dimensions(std::span<const float> means, int dimensions) {
  constexpr double kActive = 0.01;
  const auto width = static_cast<std::size_t>(dimensions);
  const std::size_t bars = means.size() / width;
  int active = 0;
  for (std::size_t d = 0; d < width; ++d) {
    double sum = 0, square = 0;
    for (std::size_t i = 0; i < bars; ++i) {
      sum += means[i * width + d];
      square += static_cast<double>(means[i * width + d]) * means[i * width + d];
    }
    const double n = static_cast<double>(bars);
    active += bars > 0 && square / n - sum / n * (sum / n) > kActive;
  }
  return active;
}

double BlendPath::nearer() const {
  const auto count = std::count_if(steps.begin(), steps.end(), [&](double step) { return step < ends; });
  return static_cast<double>(count) / static_cast<double>(steps.size());
}

double BlendPath::order() const {
  std::vector<double> number;
  for (std::size_t i = 0; i < gone.size(); ++i) number.push_back(static_cast<double>(i));
  return spearman(number, gone);
}

BlendPath blend_path(std::span<const BarGrid> points) {
  EUTERPE_ASSERT(points.size() >= 2);
  BlendPath out;
  out.ends = 1 - note_f(points.front(), points.back());
  for (const BarGrid& point : points) out.gone.push_back(1 - note_f(points.front(), point));
  for (std::size_t i = 1; i < points.size(); ++i) out.steps.push_back(1 - note_f(points[i - 1], points[i]));
  return out;
}

int notated_move(const Score& score) {
  if (score.keys.empty()) return 0;
  const int up = ((-7 * score.keys.front().fifths) % 12 + 12) % 12;
  return up > 5 ? up - 12 : up;
}

BarGrid notated_grid(const Score& score) {
  if (score.merged_notes().empty()) return {};
  BarGrid grid = bar_grid(score);
  const int up = notated_move(score) - grid.moved;
  grid.moved += up;
  for (GridBar& bar : grid.bars)
    for (BarNote& n : bar.notes) n.pitch += up;
  return grid;
}

StatisticRanges statistic_ranges(std::span<const MusicStatistics> real) {
  EUTERPE_ASSERT(!real.empty());
  StatisticRanges out;
  for (const auto& [name, value] : real.front()) out[name] = {value, value};
  for (const MusicStatistics& statistics : real)
    for (auto& [name, range] : out) {
      range.lowest = std::min(range.lowest, statistics.at(name));
      range.highest = std::max(range.highest, statistics.at(name));
    }
  return out;
}

StatisticRanges united(const StatisticRanges& a, const StatisticRanges& b) {
  StatisticRanges out = a;
  for (auto& [name, range] : out) {
    range.lowest = std::min(range.lowest, b.at(name).lowest);
    range.highest = std::max(range.highest, b.at(name).highest);
  }
  return out;
}

std::vector<std::string> outside(const MusicStatistics& statistics, const StatisticRanges& ranges) {
  constexpr double kRounding = 1e-9;
  std::vector<std::string> out;
  for (const auto& [name, range] : ranges)
    if (statistics.at(name) < range.lowest - kRounding || statistics.at(name) > range.highest + kRounding)
      out.push_back(name);
  return out;
}

}  // namespace euterpe
