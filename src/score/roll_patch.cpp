#include "score/roll_patch.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr int kCommonTime = 0;                        // in grid_meters()
constexpr int kLongestInBars = kLongestGridNote / 8;  // of 2/4
constexpr std::uint8_t kSounds = kPatchHeld / 2, kBegins = (kPatchHeld + 255) / 2;

int row_of(int pitch, int lowest) {
  while (pitch < lowest) pitch += 12;
  while (pitch >= lowest + kPatchSide) pitch -= 12;
  return lowest + kPatchSide - 1 - pitch;
}

std::size_t at(int row, int column) { return static_cast<std::size_t>(row * kPatchSide + column); }

/// \param start sixteenths from the patch's left edge, may be negative
void paint(RollPatch& patch, const BarNote& note, int start, int lowest) {
  const int row = row_of(note.pitch, lowest);
  for (int t = std::max(0, start); t < std::min(kPatchSide, start + note.length); ++t) {
    std::uint8_t& cell = patch[at(row, t)];
    cell = std::max(cell, t == start ? std::uint8_t{255} : kPatchHeld);
  }
}

}  // namespace

std::vector<RollPatch> roll_patches(const BarGrid& grid, int lowest) {
  EUTERPE_ASSERT(lowest >= 0 && lowest + kPatchSide <= 128);
  std::vector<int> lines{0};
  for (const GridBar& bar : grid.bars)
    lines.push_back(lines.back() + grid_meters()[static_cast<std::size_t>(bar.meter)].steps);
  std::vector<RollPatch> out;
  for (std::size_t b = 0; b + 1 < grid.bars.size(); ++b) {
    if (grid.bars[b].meter != kCommonTime || grid.bars[b + 1].meter != kCommonTime || grid.bars[b].notes.empty())
      continue;
    RollPatch patch(kPatchSide * kPatchSide, 0);
    for (std::size_t from = b - std::min<std::size_t>(b, kLongestInBars); from <= b + 1; ++from)
      for (const BarNote& note : grid.bars[from].notes) paint(patch, note, lines[from] - lines[b] + note.onset, lowest);
    out.push_back(std::move(patch));
  }
  return out;
}

double patch_seam(const RollPatch& before, const RollPatch& next) {
  constexpr int kShared = kPatchSide - kPatchBar;
  long sum = 0;
  for (int row = 0; row < kPatchSide; ++row)
    for (int t = 0; t < kShared; ++t) sum += std::abs(before[at(row, kPatchBar + t)] - next[at(row, t)]);
  return static_cast<double>(sum) / (kShared * kPatchSide);
}

BarGrid patches_grid(std::span<const RollPatch> patches, int lowest) {
  BarGrid out;
  out.bars.resize(patches.size());
  const int length = static_cast<int>(patches.size()) * kPatchBar;
  const auto cell = [&](int row, int t) {
    return patches[static_cast<std::size_t>(t / kPatchBar)][at(row, t % kPatchBar)];
  };
  std::vector<bool> sounds(static_cast<std::size_t>(length));  // in a row above
  for (int row = 0; row < kPatchSide; ++row)
    for (int t = 0; t < length;) {
      if (cell(row, t) < kSounds) {
        ++t;
        continue;
      }
      int end = t + 1;
      const auto begins = [&](int u) { return cell(row, u) >= kBegins && u % 2 == 0; };
      while (end < length && end - t < kLongestGridNote && cell(row, end) >= kSounds && !begins(end)) ++end;
      if (cell(row, t) >= kBegins || end > t + 1) {
        const bool highest = !sounds[static_cast<std::size_t>(t)];
        std::fill(sounds.begin() + t, sounds.begin() + end, true);
        out.bars[static_cast<std::size_t>(t / kPatchBar)].notes.push_back(
            {t % kPatchBar, highest ? kGridMelody : kGridAccompaniment, lowest + kPatchSide - 1 - row, end - t});
      }
      t = end;
    }
  for (GridBar& bar : out.bars) sort_grid_bar(bar);
  return out;
}

}  // namespace euterpe
