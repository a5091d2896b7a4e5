#include "train/bar_batches.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace euterpe {
namespace {

constexpr std::size_t kGroupNotes = 3;  // bars of a group differ by fewer notes
constexpr double kMoved = 0.2;          // share of the bars in another key
constexpr int kFurthest = 6;            // semitones

GridBar moved(GridBar bar, int semitones) {
  for (const BarNote& n : bar.notes)
    if (n.pitch + semitones < 0 || n.pitch + semitones > 127) return bar;
  for (BarNote& n : bar.notes) n.pitch += semitones;
  return bar;
}

}  // namespace

BarBatches::BarBatches(const GridCorpus& corpus, const std::string& split) {
  std::map<std::string, double> notes, bars;
  for (const GridPiece& piece : corpus.pieces) {
    if (piece.split != split) continue;
    bars[piece.style] += static_cast<double>(piece.grid.bars.size());
    for (const GridBar& bar : piece.grid.bars) notes[piece.style] += static_cast<double>(bar.notes.size());
  }
  std::map<std::size_t, Group> groups;
  for (const GridPiece& piece : corpus.pieces) {
    if (piece.split != split) continue;
    const double weight = std::sqrt(notes[piece.style]) / bars[piece.style];
    for (const GridBar& bar : piece.grid.bars) {
      Group& group = groups[bar.notes.size() / kGroupNotes];
      group.bars.push_back(&bar);
      group.weights.push_back((group.weights.empty() ? 0 : group.weights.back()) + weight);
      group.notes += static_cast<double>(bar.notes.size() + 1);
    }
  }
  for (auto& [size, group] : groups) {
    group.notes /= static_cast<double>(group.bars.size());
    // A batch of short bars holds more of them.
    weights_.push_back(group.weights.back() * group.notes);
    groups_.push_back(std::move(group));
  }
}

std::vector<GridBar> BarBatches::draw(Random& random, int notes) const {
  const Group& group = groups_[random.weighted(weights_)];
  const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(notes / group.notes)));
  std::vector<GridBar> out;
  while (out.size() < count) {
    const auto at =
        std::upper_bound(group.weights.begin(), group.weights.end(), random.uniform() * group.weights.back()) -
        group.weights.begin();
    const GridBar& bar = *group.bars[std::min<std::size_t>(static_cast<std::size_t>(at), group.bars.size() - 1)];
    out.push_back(random.uniform() < kMoved ? moved(bar, static_cast<int>(random.below(2 * kFurthest)) - kFurthest)
                                            : bar);
  }
  return out;
}

std::vector<GridBar> BarBatches::spread(const GridCorpus& corpus, const std::string& split, const std::string& style,
                                        std::size_t bars) {
  std::vector<const GridBar*> all;
  for (const GridPiece& piece : corpus.pieces)
    if (piece.split == split && piece.style == style)
      for (const GridBar& bar : piece.grid.bars) all.push_back(&bar);
  std::vector<GridBar> out;
  const std::size_t count = std::min(bars, all.size());
  for (std::size_t i = 0; i < count; ++i) out.push_back(*all[i * all.size() / count]);
  return out;
}

}  // namespace euterpe
