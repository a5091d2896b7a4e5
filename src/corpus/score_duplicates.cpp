#include "corpus/score_duplicates.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "base/parallel.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kRun = 8;         // onsets in a hashed run
constexpr std::size_t kCommon = 60;     // places of one hash beyond which it says nothing
constexpr double kTogether = 1.0 / 12;  // quarters: notes so close begin at one time
constexpr double kTolerance = 1.0 / 8;  // quarters between matched onsets

/// Notes that begin together.
struct Onset {
  double time;  ///< quarters
  int top;      ///< the highest pitch
};

struct Line {
  std::vector<Note> notes;  ///< by onset, then pitch
  std::vector<Onset> onsets;
  double quarter = 1;  ///< ticks
  double time(const Note& n) const { return static_cast<double>(n.start) / quarter; }
};

Line line_of(const Score& score) {
  Line line;
  line.notes = score.merged_notes();
  line.quarter = score.ticks_per_quarter;
  for (const Note& n : line.notes) {
    const double t = line.time(n);
    if (!line.onsets.empty() && t - line.onsets.back().time < kTogether)
      line.onsets.back().top = std::max(line.onsets.back().top, int{n.pitch});
    else
      line.onsets.push_back({t, n.pitch});
  }
  return line;
}

struct Place {
  std::uint64_t hash;
  std::uint32_t piece, onset;
};

/// Steps of the upper voice and ratios of neighboring lengths to a third of an octave, which neither transposition nor
/// tempo moves; FNV-1a.
void add_runs(const Line& line, std::uint32_t piece, std::vector<Place>& out) {
  for (std::size_t i = 0; i + kRun <= line.onsets.size(); ++i) {
    std::uint64_t hash = 1469598103934665603ULL;
    const auto mix = [&](int v) { hash = (hash ^ static_cast<std::uint64_t>(v + 1000)) * 1099511628211ULL; };
    for (std::size_t k = i + 1; k < i + kRun; ++k) {
      const Onset &before = line.onsets[k - 1], &now = line.onsets[k];
      mix(now.top - before.top);
      if (k > i + 1)
        mix(static_cast<int>(
            std::lround(3 * std::log2((now.time - before.time) / (before.time - line.onsets[k - 2].time)))));
    }
    out.push_back({hash, piece, static_cast<std::uint32_t>(i)});
  }
}

template <class T>
T median(std::vector<T> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

/// From runs that both pieces hold to the transposition, stretch and offset that most of them agree on.
std::optional<ScorePair> align(const Line& a, const Line& b,
                               const std::vector<std::pair<std::uint32_t, std::uint32_t>>& runs,
                               const ScoreDuplicateOptions& options) {
  ScorePair pair;
  std::map<int, std::size_t> steps;
  for (const auto& [i, j] : runs) ++steps[b.onsets[j].top - a.onsets[i].top];
  pair.transposition = std::max_element(steps.begin(), steps.end(), [](const auto& x, const auto& y) {
                         return x.second < y.second;
                       })->first;
  std::vector<double> ratios;
  for (const auto& [i, j] : runs)
    ratios.push_back((b.onsets[j + kRun - 1].time - b.onsets[j].time) /
                     (a.onsets[i + kRun - 1].time - a.onsets[i].time));
  pair.stretch = median(ratios);
  // The offset is the one that most agree on, not the median: a refrain matches itself at other places.
  std::vector<double> offsets;
  for (const auto& [i, j] : runs) offsets.push_back(b.onsets[j].time - pair.stretch * a.onsets[i].time);
  std::sort(offsets.begin(), offsets.end());
  std::size_t best = 0;
  for (std::size_t begin = 0, end = 0; begin < offsets.size(); ++begin) {
    while (end < offsets.size() && offsets[end] <= offsets[begin] + 2 * kTolerance) ++end;
    if (end - begin <= best) continue;
    best = end - begin;
    pair.offset = offsets[begin + best / 2];
  }
  if (best < options.votes) return {};

  const double end_a = a.onsets.back().time, end_b = b.onsets.back().time;
  const double from = std::max(0.0, -pair.offset / pair.stretch),
               to = std::min(end_a, (end_b - pair.offset) / pair.stretch);
  pair.part = (to - from) / std::min(end_a, end_b / pair.stretch);
  // Each note of a takes the first unused one of b with its pitch that is near enough.
  std::map<int, std::vector<double>> of_pitch;
  std::size_t in_a = 0, in_b = 0, matched = 0;
  for (const Note& n : b.notes) {
    const double t = (b.time(n) - pair.offset) / pair.stretch;
    if (t < from - kTolerance || t > to + kTolerance) continue;
    of_pitch[n.pitch - pair.transposition].push_back(t);
    ++in_b;
  }
  for (const Note& n : a.notes) {
    const double t = a.time(n);
    if (t < from - kTolerance || t > to + kTolerance) continue;
    ++in_a;
    const auto place = of_pitch.find(n.pitch);
    if (place == of_pitch.end()) continue;
    auto& times = place->second;
    const auto first = std::lower_bound(times.begin(), times.end(), t - kTolerance);
    if (first == times.end() || *first > t + kTolerance) continue;
    times.erase(first);
    ++matched;
  }
  pair.same = in_a + in_b > 0 ? 2.0 * static_cast<double>(matched) / static_cast<double>(in_a + in_b) : 0;
  return pair;
}

}  // namespace

std::vector<ScorePair> find_near_duplicates(std::span<const Score* const> scores,
                                            const ScoreDuplicateOptions& options) {
  std::vector<Line> lines(scores.size());
  parallel_for(scores.size(), [&](std::size_t i) { lines[i] = line_of(*scores[i]); });
  std::vector<Place> index;
  for (std::size_t i = 0; i < lines.size(); ++i) add_runs(lines[i], static_cast<std::uint32_t>(i), index);
  std::sort(index.begin(), index.end(), [](const Place& x, const Place& y) {
    return std::tie(x.hash, x.piece, x.onset) < std::tie(y.hash, y.piece, y.onset);
  });
  std::vector<std::vector<ScorePair>> found(lines.size());
  parallel_for(lines.size(), [&](std::size_t b) {
    std::vector<Place> own;
    add_runs(lines[b], static_cast<std::uint32_t>(b), own);
    std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::uint32_t>>> shared;
    for (const Place& p : own) {
      const auto [first, last] = std::equal_range(index.begin(), index.end(), p,
                                                  [](const Place& x, const Place& y) { return x.hash < y.hash; });
      if (static_cast<std::size_t>(last - first) > kCommon) continue;
      for (auto q = first; q != last && q->piece < b; ++q) shared[q->piece].emplace_back(q->onset, p.onset);
    }
    for (const auto& [a, runs] : shared) {
      if (runs.size() < options.votes) continue;
      auto pair = align(lines[a], lines[b], runs, options);
      if (!pair || pair->same < options.same || pair->part < options.part) continue;
      pair->a = a;
      pair->b = b;
      found[b].push_back(*pair);
    }
  });
  std::vector<ScorePair> all;
  for (const auto& pairs : found) all.insert(all.end(), pairs.begin(), pairs.end());
  std::sort(all.begin(), all.end(),
            [](const ScorePair& x, const ScorePair& y) { return std::tie(x.a, x.b) < std::tie(y.a, y.b); });
  return all;
}

}  // namespace euterpe
