#pragma once
/// What is measured of an autoencoder of bars: what comes back, how many latents say something, and whether the way
/// from one piece to another goes in small steps through what music is like.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "evaluate/compared_statistics.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {

/// F-measure of the notes of both parts together, matched in onset (the same sixteenth) and pitch as the grids write
/// it, each note once: 2 · matched / (notes of one + notes of the other). 1 of two silences.
double note_f(const BarGrid& a, const BarGrid& b);

/// Latents whose posterior mean varies over the data by more than 0.01 (Burda et al. 2016, section 4).
/// \param means row-major [bars × dimensions]
int active_dimensions(std::span<const float> means, int dimensions);

/// A way from one piece to another. The distance of two points is 1 − note_f() in the key of all grids (C major or A
/// minor): latents, which are even steps by construction, are not asked.
struct BlendPath {
  double ends = 0;            ///< distance of the first from the last
  std::vector<double> steps;  ///< distances of neighbors
  std::vector<double> gone;   ///< distances from the first
  double nearer() const;      ///< share of the steps that are shorter than the way between the ends
  double order() const;       ///< Spearman's correlation of a point's number and its distance from the first
};
/// \param points at least two
BlendPath blend_path(std::span<const BarGrid> points);

/// The semitones by which music in the key that is notated first must be moved to C major or A minor, −6 … +5: what
/// bar_grid() of a score by grid_score() had, whatever key may be heard in it. 0 without a key.
int notated_move(const Score& score);
/// The grid of a score by grid_score() at that height.
BarGrid notated_grid(const Score& score);

/// Smallest and largest value of each statistic in real music.
struct StatisticRange {
  double lowest = 0, highest = 0;
};
using StatisticRanges = std::map<std::string, StatisticRange>;
/// \param real at least one
StatisticRanges statistic_ranges(std::span<const MusicStatistics> real);
/// Smallest and largest of both.
StatisticRanges united(const StatisticRanges& a, const StatisticRanges& b);
/// Names of those that lie outside their range.
std::vector<std::string> outside(const MusicStatistics& statistics, const StatisticRanges& ranges);

}  // namespace euterpe
