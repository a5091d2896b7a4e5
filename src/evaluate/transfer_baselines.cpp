#include "evaluate/transfer_baselines.hpp"

#include <algorithm>
#include <cmath>

#include "compose/performance.hpp"

namespace euterpe {
namespace {

constexpr int kHighestPitch = 127;

struct PartSpan {
  double sum = 0, notes = 0;
  int lowest = kHighestPitch, highest = 0;

  void add(int pitch) {
    sum += pitch;
    ++notes;
    lowest = std::min(lowest, pitch);
    highest = std::max(highest, pitch);
  }
};

void add_parts(const BarGrid& piece, std::array<PartSpan, kGridParts>& parts) {
  for (const GridBar& bar : piece.bars)
    for (const BarNote& n : bar.notes) parts[static_cast<std::size_t>(n.part)].add(n.pitch - piece.moved);
}

}  // namespace

PartRegisters part_registers(std::span<const BarGrid> pieces) {
  std::array<PartSpan, kGridParts> parts;
  for (const BarGrid& piece : pieces) add_parts(piece, parts);
  PartRegisters out;
  for (std::size_t p = 0; p < out.size(); ++p)
    if (parts[p].notes > 0) out[p] = parts[p].sum / parts[p].notes;
  return out;
}

Score reorchestrated(const BarGrid& source, const PartRegisters& registers, std::string_view style) {
  std::array<PartSpan, kGridParts> parts;
  add_parts(source, parts);
  std::array<int, kGridParts> up{};
  for (std::size_t p = 0; p < up.size(); ++p) {
    if (!registers[p] || parts[p].notes == 0) continue;
    const int octaves = static_cast<int>(std::lround((*registers[p] - parts[p].sum / parts[p].notes) / 12));
    if (parts[p].lowest + 12 * octaves >= 0 && parts[p].highest + 12 * octaves <= kHighestPitch) up[p] = 12 * octaves;
  }
  BarGrid moved = source;
  for (GridBar& bar : moved.bars) {
    for (BarNote& n : bar.notes) n.pitch += up[static_cast<std::size_t>(n.part)];
    sort_grid_bar(bar);
  }
  Score score = grid_score(moved);
  perform(score, style);
  return score;
}

}  // namespace euterpe
