#include "protect/identify.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>

#include "signal/landmarks.hpp"

namespace euterpe {
namespace {

constexpr int kShifts = 2;  // the query is read on that many grids of frames, for its own may lie between the track's
constexpr int kFanOut = 16;
constexpr std::size_t kCandidates = 24;

/// The query's peaks as a set in which each fills its neighbours too, with the share of frames that each bin fills.
class PeakMap {
 public:
  PeakMap(std::span<const Constellation> grids, std::uint32_t begin, std::uint32_t end) : begin_(begin), end_(end) {
    cells_.resize(end - begin);
    for (const Constellation& grid : grids)
      for (const Peak& p : grid.peaks)
        for (std::int64_t t = std::int64_t{p.frame} - 1; t <= std::int64_t{p.frame} + 1; ++t)
          if (t >= begin && t < end)
            for (int b = std::max(0, p.bin - 1); b <= std::min(kLandmarkBins - 1, p.bin + 1); ++b) set(t, b);
    for (const auto& row : cells_)
      for (int b = 0; b < kLandmarkBins; ++b) share_[b] += static_cast<float>(row[b / 64] >> (b % 64) & 1);
    for (float& s : share_) s /= static_cast<float>(std::max<std::size_t>(1, cells_.size()));
  }
  bool has(std::int64_t frame, int bin) const {
    if (frame < begin_ || frame >= end_) return false;
    return (cells_[static_cast<std::size_t>(frame - begin_)][bin / 64] >> (bin % 64) & 1) != 0;
  }
  double share(int bin) const { return share_[bin]; }

 private:
  void set(std::int64_t frame, int bin) {
    cells_[static_cast<std::size_t>(frame - begin_)][bin / 64] |= std::uint64_t{1} << (bin % 64);
  }
  std::int64_t begin_, end_;
  std::vector<std::array<std::uint64_t, 8>> cells_;
  std::array<float, 512> share_{};
};

struct Votes {
  std::int64_t difference;  // frame on the index's axis − frame of the query
  int count;
};

/// The differences of time with the most votes, those of neighbouring differences counted with them.
std::vector<Votes> vote(const LandmarkIndex& index, std::span<const std::vector<Landmark>> grids, std::uint32_t begin,
                        std::uint32_t end) {
  std::vector<std::uint32_t> differences;
  for (const auto& grid : grids)
    for (const Landmark& l : grid) {
      if (l.frame < begin || l.frame >= end) continue;
      for (const std::uint32_t frame : index.lookup(l.hash))
        // Relative to the stretch's beginning, so that every number is positive: a query may start before its track.
        differences.push_back(frame + (end - l.frame));
    }
  std::sort(differences.begin(), differences.end());
  std::vector<Votes> runs;
  for (std::size_t i = 0; i < differences.size();) {
    std::size_t j = i;
    while (j < differences.size() && differences[j] == differences[i]) ++j;
    runs.push_back({differences[i], static_cast<int>(j - i)});
    i = j;
  }
  std::vector<Votes> sums = runs;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i > 0 && runs[i - 1].difference + 1 == runs[i].difference) sums[i].count += runs[i - 1].count;
    if (i + 1 < runs.size() && runs[i].difference + 1 == runs[i + 1].difference) sums[i].count += runs[i + 1].count;
  }
  const std::size_t kept = std::min<std::size_t>(sums.size(), 3 * kCandidates);
  std::partial_sort(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(kept), sums.end(),
                    [](const Votes& a, const Votes& b) {
                      return a.count != b.count ? a.count > b.count : a.difference < b.difference;
                    });
  std::vector<Votes> best;
  for (std::size_t i = 0; i < kept && best.size() < kCandidates; ++i) {
    if (sums[i].count < 2) break;
    const std::int64_t d = sums[i].difference - std::int64_t{end};
    if (std::none_of(best.begin(), best.end(), [&](const Votes& v) { return std::abs(v.difference - d) <= 2; }))
      best.push_back({d, sums[i].count});
  }
  return best;
}

/// −log10 of an upper bound of P(at least k of n), each with probability q (Chernoff: n · KL(k/n ‖ q)).
double surprise(double k, double n, double q) {
  if (n <= 0 || k <= n * q) return 0;
  const double p = k / n;
  double kl = p * std::log(p / q);
  if (p < 1) kl += (1 - p) * std::log((1 - p) / (1 - q));
  return n * kl / std::log(10.0);
}

int count_matched(const PeakMap& map, std::span<const Peak> peaks, std::int64_t shift) {
  return static_cast<int>(std::count_if(peaks.begin(), peaks.end(),
                                        [&](const Peak& p) { return map.has(std::int64_t{p.frame} - shift, p.bin); }));
}

/// How many of the peaks chance would match. Peaks are not independent: the partials of a chord come together, and
/// where two beats run alike they all fall together or all apart. So the track's peaks are also counted at places where
/// they do not belong, around the query as around a ring; what the upper decile of those counts has above that of
/// independent peaks is added. A decile is not moved by the few places at which a loop repeats itself.
double measure_chance(const PeakMap& map, std::span<const Peak> peaks, std::int64_t shift, std::int64_t begin,
                      std::int64_t end, double expected) {
  constexpr int kPlaces = 80;
  constexpr std::int64_t kNear = 5, kStep = 2;  // frames
  std::array<int, kPlaces> counts{};
  const std::int64_t length = end - begin;
  for (int i = 0; i < kPlaces; ++i) {
    const std::int64_t by = (i % 2 == 0 ? 1 : -1) * (kNear + kStep * (i / 2));
    for (const Peak& p : peaks) {
      const std::int64_t t = ((std::int64_t{p.frame} - shift - begin + by) % length + length) % length;
      counts[static_cast<std::size_t>(i)] += map.has(begin + t, p.bin) ? 1 : 0;
    }
  }
  std::sort(counts.begin(), counts.end());
  constexpr double kUpperDecile = 1.2816;  // in standard deviations of a normal distribution
  const double n = static_cast<double>(peaks.size()), q = std::min(1.0, expected / n);
  return std::max(expected, counts[kPlaces * 9 / 10] - kUpperDecile * std::sqrt(n * q * (1 - q)));
}

}  // namespace

std::vector<Match> identify(const LandmarkIndex& index, std::span<const float> mono, const IdentifyOptions& options) {
  std::vector<Match> matches;
  if (static_cast<double>(mono.size()) < kIdentifyMinSeconds * kLandmarkRate || index.tracks() == 0) return matches;

  std::vector<Constellation> grids;
  std::vector<std::vector<Landmark>> marks;
  for (int s = 0; s < kShifts; ++s) {
    grids.push_back(constellation(mono.subspan(static_cast<std::size_t>(s * kLandmarkHop / kShifts)), kQueryPeaks));
    marks.push_back(landmarks(grids.back(), kFanOut));
  }
  const std::uint32_t frames = grids.front().frames;
  const double places = std::log10(static_cast<double>(index.total_frames()) + 1);
  auto length = static_cast<std::uint32_t>(options.stretch / kLandmarkFrame);
  if (frames <= length + length / 2) length = frames;

  std::map<std::size_t, Match> best;
  for (std::uint32_t begin = 0; begin < frames; begin += std::max(1U, length / 2)) {
    const std::uint32_t end = std::min(frames, begin + length);
    const PeakMap map(grids, begin, end);
    for (const Votes& v : vote(index, marks, begin, end)) {
      const std::size_t track =
          index.track_at(static_cast<std::uint64_t>(std::max<std::int64_t>(0, v.difference + (begin + end) / 2)));
      // A stretch that reaches beyond the track's end may have its middle in the next one: both neighbours are tried.
      for (std::size_t t = track > 0 ? track - 1 : 0; t <= track + 1 && t < index.tracks(); ++t) {
        const std::int64_t shift = v.difference - index.first_frame(t);
        const auto peaks = index.peaks(t, begin + shift, end + shift);
        if (peaks.empty()) continue;
        double expected = 0;
        for (const Peak& p : peaks) expected += map.share(p.bin);
        std::int64_t place = shift;
        int matched = 0;
        for (const std::int64_t s : {shift, shift - 1, shift + 1})
          if (const int k = count_matched(map, peaks, s); k > matched) matched = k, place = s;
        const double n = static_cast<double>(peaks.size());
        const auto score_of = [&](double by_chance) {
          return surprise(matched, n, std::clamp(by_chance / n, 1e-3, 0.999)) - places;
        };
        Match& m = best.try_emplace(t, Match{.score = -places}).first->second;
        if (score_of(expected) <= m.score) continue;  // the measured chance only lowers it
        const double chance = measure_chance(map, peaks, place, begin, end, expected);
        const double score = score_of(chance);
        if (score <= m.score) continue;
        m = {t,
             {},
             static_cast<double>(begin + place) * kLandmarkFrame,
             begin * kLandmarkFrame,
             end * kLandmarkFrame,
             static_cast<int>(peaks.size()),
             matched,
             chance,
             score,
             0};
      }
    }
    if (end == frames) break;
  }
  for (auto& [track, match] : best)
    if (match.compared > 0) matches.push_back(match);
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.score > b.score; });
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const double other = i > 0 ? matches[0].score : matches.size() > 1 ? matches[1].score : 0.0;
    matches[i].contrast = matches[i].score - other;
  }
  if (matches.size() > options.top) matches.resize(options.top);
  for (Match& m : matches) m.id = index.id(m.track);
  return matches;
}

}  // namespace euterpe
