#include "score/skyline.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace euterpe {

std::vector<int> skyline(std::span<const GridNote> notes, int sixteenths) {
  std::vector<int> out(static_cast<std::size_t>(std::max(0, sixteenths)), -1);
  for (const GridNote& n : notes)
    for (int t = std::max(0, n.onset); t < std::min(sixteenths, n.onset + n.length); ++t)
      out[static_cast<std::size_t>(t)] = std::max(out[static_cast<std::size_t>(t)], n.pitch);
  return out;
}

std::vector<Chroma> half_bar_chroma(std::span<const int> line, std::span<const int> bars) {
  std::vector<Chroma> out;
  std::size_t begin = 0;
  for (const int bar : bars) {
    const auto steps = static_cast<std::size_t>(bar), middle = begin + steps / 2, end = begin + steps;
    for (const auto& [from, to] : {std::pair(begin, middle), std::pair(middle, end)}) {
      Chroma& chroma = out.emplace_back(Chroma{});
      for (std::size_t t = from; t < std::min(to, line.size()); ++t)
        if (line[t] >= 0) ++chroma[static_cast<std::size_t>(line[t] % 12)];
    }
    begin = end;
  }
  return out;
}

double melody_similarity(std::span<const Chroma> source, std::span<const Chroma> output) {
  double sum = 0, halves = 0;
  for (std::size_t h = 0; h < source.size(); ++h) {
    double both = 0, there = 0, here = 0;
    for (std::size_t c = 0; c < 12; ++c) {
      const double a = source[h][c], b = h < output.size() ? output[h][c] : 0;
      both += a * b;
      there += a * a;
      here += b * b;
    }
    if (there == 0) continue;
    ++halves;
    if (here > 0) sum += both / std::sqrt(there * here);
  }
  return halves > 0 ? sum / halves : 1;
}

std::vector<int> bar_lengths(const BarGrid& grid) {
  std::vector<int> out;
  for (const GridBar& bar : grid.bars) out.push_back(grid_meters()[static_cast<std::size_t>(bar.meter)].steps);
  return out;
}

std::vector<GridNote> grid_notes(const BarGrid& grid) {
  std::vector<GridNote> out;
  int begin = 0;
  for (const GridBar& bar : grid.bars) {
    for (const BarNote& n : bar.notes) out.push_back({begin + n.onset, n.length, n.pitch});
    begin += grid_meters()[static_cast<std::size_t>(bar.meter)].steps;
  }
  std::sort(out.begin(), out.end(), [](const GridNote& a, const GridNote& b) {
    return std::tuple(a.onset, a.pitch, -a.length) < std::tuple(b.onset, b.pitch, -b.length);
  });
  const auto same = [](const GridNote& a, const GridNote& b) { return a.onset == b.onset && a.pitch == b.pitch; };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

std::vector<int> skyline(const BarGrid& grid) {
  const std::vector<int> bars = bar_lengths(grid);
  return skyline(grid_notes(grid), std::accumulate(bars.begin(), bars.end(), 0));
}

std::vector<Chroma> half_bar_chroma(const BarGrid& grid) { return half_bar_chroma(skyline(grid), bar_lengths(grid)); }

}  // namespace euterpe
