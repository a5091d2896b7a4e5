#include "score/passage_alignment.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <tuple>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr double kSameDistance = 0.3;  // octaves of time between distances that count as equal
constexpr std::size_t kHypotheses = 4;
constexpr std::size_t kMostCells = std::size_t{1} << 26;  // of one alignment: a byte each

float pitch_score(int distance, const AlignmentCosts& costs) {
  static constexpr std::array<bool, 12> kConsonant{false, false, false, true, true,  true,
                                                   false, true,  true,  true, false, false};
  if (distance == 0) return costs.same;
  const int within = std::abs(distance) % 12;
  if (within == 0) return costs.octave;
  return kConsonant[static_cast<std::size_t>(within)] ? costs.consonant : costs.dissonant;
}

/// log2 of the distances to the notes before, 0 for the first.
std::vector<float> distances(std::span<const PassageOnset> line) {
  std::vector<float> out(line.size(), 0);
  for (std::size_t i = 1; i < line.size(); ++i)
    out[i] = static_cast<float>(std::log2(std::max(1.0 / 64, line[i].time - line[i - 1].time)));
  return out;
}

enum Step : std::uint8_t { stop = 0, pair = 1, skip_a = 2, skip_b = 3, open_a = 4, open_b = 8 };

}  // namespace

PassageAlignment align_passages(std::span<const PassageOnset> a, std::span<const PassageOnset> b, int transposition,
                                double tempo_ratio, const AlignmentCosts& costs) {
  PassageAlignment out;
  out.transposition = transposition;
  out.tempo_ratio = tempo_ratio;
  if (a.empty() || b.empty()) return out;
  if (a.size() > kMostCells / b.size())
    throw Error(Category::unsupported, "align", "lines of more than 67 million pairs of notes",
                "compare a part of them");
  const auto da = distances(a), db = distances(b);
  const auto ratio = static_cast<float>(std::log2(tempo_ratio));
  const std::size_t n = a.size(), m = b.size();
  constexpr float kNever = -1e9f;
  // best: ends in any way; ga, gb: ends with a note of a (b) that the other has not. One row of each is enough.
  std::vector<float> best(m + 1, 0), ga(m + 1, kNever);
  std::vector<std::uint8_t> steps(n * m, stop);
  float most = 0;
  std::size_t most_i = 0, most_j = 0;
  for (std::size_t i = 1; i <= n; ++i) {
    float diagonal = best[0], gb = kNever;
    for (std::size_t j = 1; j <= m; ++j) {
      std::uint8_t flags = 0;
      const float open_in_a = best[j] + costs.gap, more_in_a = ga[j] + costs.more;
      if (open_in_a >= more_in_a) flags |= open_a;
      ga[j] = std::max(open_in_a, more_in_a);
      const float open_in_b = best[j - 1] + costs.gap, more_in_b = gb + costs.more;
      if (open_in_b >= more_in_b) flags |= open_b;
      gb = std::max(open_in_b, more_in_b);
      const int apart = a[i - 1].top - transposition - b[j - 1].top;
      float both = diagonal + pitch_score(apart, costs);
      if (diagonal > 0 && i > 1 && j > 1)
        both += costs.rhythm * std::min(2.0f, std::abs(da[i - 1] + ratio - db[j - 1]));
      diagonal = best[j];
      float value = 0;
      std::uint8_t step = stop;
      if (both > value) value = both, step = pair;
      if (ga[j] > value) value = ga[j], step = skip_a;
      if (gb > value) value = gb, step = skip_b;
      best[j] = value;
      steps[(i - 1) * m + j - 1] = static_cast<std::uint8_t>(step | flags);
      if (value > most) most = value, most_i = i, most_j = j;
    }
  }
  std::size_t i = most_i, j = most_j;
  while (i > 0 && j > 0) {
    const std::uint8_t here = steps[(i - 1) * m + j - 1];
    const int step = here & 3;
    if (step == stop) break;
    if (step == pair) {
      out.notes.emplace_back(i - 1, j - 1);
      --i, --j;
    } else if (step == skip_a) {
      while (i > 1 && (steps[(i - 1) * m + j - 1] & open_a) == 0) --i;
      --i;
    } else {
      while (j > 1 && (steps[(i - 1) * m + j - 1] & open_b) == 0) --j;
      --j;
    }
  }
  if (out.notes.empty()) return out;
  std::reverse(out.notes.begin(), out.notes.end());
  for (std::size_t k = 0; k < out.notes.size(); ++k) {
    const auto [p, q] = out.notes[k];
    if (a[p].top - transposition != b[q].top) continue;
    if (k > 0) {
      const auto [p0, q0] = out.notes[k - 1];
      const double in_a = (a[p].time - a[p0].time) * tempo_ratio, in_b = b[q].time - b[q0].time;
      if (in_a <= 0 || in_b <= 0 || std::abs(std::log2(in_a / in_b)) > kSameDistance) continue;
    }
    ++out.matched;
  }
  out.span = 1 + std::max(out.notes.back().first - out.notes.front().first,
                          out.notes.back().second - out.notes.front().second);
  out.share = static_cast<double>(out.matched) / static_cast<double>(out.span);
  out.similarity = std::clamp(double{most} / (double{costs.same} * static_cast<double>(out.span)), 0.0, 1.0);
  return out;
}

PassageAlignment align_passages(std::span<const PassageOnset> a, std::span<const PassageOnset> b,
                                const AlignmentCosts& costs) {
  // Two steps and the ratio of their lengths vote for a transposition and a tempo (in quarters of an octave).
  const auto key = [](std::span<const PassageOnset> line, std::size_t i) {
    const double first = line[i + 1].time - line[i].time, second = line[i + 2].time - line[i + 1].time;
    const int ratio = first > 0 && second > 0 ? static_cast<int>(std::lround(2 * std::log2(second / first))) : 99;
    return std::tuple(line[i + 1].top - line[i].top, line[i + 2].top - line[i + 1].top, ratio);
  };
  std::map<std::tuple<int, int, int>, std::vector<std::size_t>> places;
  for (std::size_t j = 0; j + 2 < b.size(); ++j) places[key(b, j)].push_back(j);
  std::map<std::pair<int, int>, double> votes;
  for (std::size_t i = 0; i + 2 < a.size(); ++i) {
    const auto found = places.find(key(a, i));
    if (found == places.end()) continue;
    for (const std::size_t j : found->second) {
      const double in_a = a[i + 2].time - a[i].time, in_b = b[j + 2].time - b[j].time;
      if (in_a <= 0 || in_b <= 0) continue;
      // What is everywhere in b says little.
      votes[{a[i].top - b[j].top, static_cast<int>(std::lround(4 * std::log2(in_b / in_a)))}] +=
          1.0 / static_cast<double>(found->second.size());
    }
  }
  std::vector<std::pair<double, std::pair<int, int>>> order;
  for (const auto& [hypothesis, weight] : votes) order.emplace_back(-weight, hypothesis);
  std::sort(order.begin(), order.end());
  PassageAlignment best;
  for (std::size_t h = 0; h < std::min(kHypotheses, order.size()); ++h) {
    const auto& [transposition, quarters] = order[h].second;
    PassageAlignment found = align_passages(a, b, transposition, std::exp2(quarters / 4.0), costs);
    if (found.matched > best.matched) best = std::move(found);
  }
  return best;
}

}  // namespace euterpe
