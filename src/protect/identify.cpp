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

/// The query's peaks as a set in which each fills its neighbours too, and how likely chance finds one in it.
class PeakMap {
 public:
  PeakMap(std::span<const Constellation> grids, std::uint32_t begin, std::uint32_t end) : begin_(begin), end_(end) {
    cells_.resize(end - begin);
    in_bin_.resize((cells_.size() + 1) * kLandmarkBins);
    in_frame_.resize(cells_.size() + 1);
    for (const Constellation& grid : grids)
      for (const Peak& p : grid.peaks)
        for (std::int64_t t = std::int64_t{p.frame} - 1; t <= std::int64_t{p.frame} + 1; ++t)
          if (t >= begin && t < end)
            for (int b = std::max(0, p.bin - 1); b <= std::min(kLandmarkBins - 1, p.bin + 1); ++b) set(t, b);
    for (std::size_t t = 0; t < cells_.size(); ++t) {
      in_frame_[t + 1] = in_frame_[t];
      for (int b = 0; b < kLandmarkBins; ++b) {
        const auto filled = static_cast<std::uint32_t>(cells_[t][b / 64] >> (b % 64) & 1);
        in_bin_[(t + 1) * kLandmarkBins + b] = in_bin_[t * kLandmarkBins + b] + filled;
        in_frame_[t + 1] += filled;
      }
    }
  }
  bool has(std::int64_t frame, int bin) const {
    if (frame < begin_ || frame >= end_) return false;
    return (cells_[static_cast<std::size_t>(frame - begin_)][bin / 64] >> (bin % 64) & 1) != 0;
  }
  /// The rate at which a peak of other music falls on a filled cell here: the share of the bin that is filled within a
  /// second on either side (music that holds the same chord just then has its peaks in the same bins), times how full
  /// this frame is beside those around it (music with the same beat has its peaks in the same frames).
  double chance(std::int64_t frame, int bin) const {
    constexpr std::int64_t kAround = 43;  // frames, a second
    constexpr double kMost = 0.95;
    if (frame < begin_ || frame >= end_) return 0;
    const std::int64_t t = frame - begin_;
    const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, t - kAround));
    const auto last = static_cast<std::size_t>(std::min(end_ - begin_, t + kAround + 1));
    const double in_bin = in_bin_[last * kLandmarkBins + bin] - in_bin_[first * kLandmarkBins + bin];
    const double in_all = in_frame_[last] - in_frame_[first];
    const double here = in_frame_[static_cast<std::size_t>(t) + 1] - in_frame_[static_cast<std::size_t>(t)];
    // in_bin / frames · here / (in_all / frames)
    return in_all > 0 ? std::min(kMost, in_bin * here / in_all) : 0;
  }

 private:
  void set(std::int64_t frame, int bin) {
    cells_[static_cast<std::size_t>(frame - begin_)][bin / 64] |= std::uint64_t{1} << (bin % 64);
  }
  std::int64_t begin_, end_;
  std::vector<std::array<std::uint64_t, 8>> cells_;
  std::vector<std::uint32_t> in_bin_, in_frame_;  ///< cells filled before frame t: in each bin, in all bins
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

struct Chance {
  double expected;   ///< peaks that it matches
  double dependent;  ///< ≥ 1: so many peaks count as one
};

/// What chance does with these peaks, measured at places where they do not belong, around the query as around a ring.
/// Peaks are not independent: a note has many partials, and two notes that fall together match all of them at once. So
/// the variance of what the peaks that begin together match above their rate is compared with that of independent
/// peaks; and what the counts' upper decile has above that of independent peaks is added to those expected. Deciles are
/// not moved by the few places at which a loop repeats itself.
Chance measure_chance(const PeakMap& map, std::span<const Peak> peaks, std::int64_t shift, std::int64_t begin,
                      std::int64_t end, double expected) {
  constexpr int kPlaces = 80, kUpperDecile = kPlaces * 9 / 10;
  constexpr std::int64_t kNear = 5, kStep = 2;  // frames
  constexpr std::uint32_t kTogether = 4;        // frames, 93 ms
  std::array<double, kPlaces> excess{}, dependent{};
  const std::int64_t length = end - begin;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const std::int64_t by = (i % 2 == 0 ? 1 : -1) * (kNear + kStep * (static_cast<std::int64_t>(i) / 2));
    double group = 0, squares = 0, variance = 0;
    std::uint32_t first = peaks.front().frame;
    for (const Peak& p : peaks) {
      if (p.frame > first + kTogether) {
        squares += group * group;
        group = 0;
        first = p.frame;
      }
      const std::int64_t t = ((std::int64_t{p.frame} - shift - begin + by) % length + length) % length;
      const double q = map.chance(begin + t, p.bin), above = (map.has(begin + t, p.bin) ? 1 : 0) - q;
      group += above;
      excess[i] += above;
      variance += q * (1 - q);
    }
    squares += group * group;
    dependent[i] = variance > 0 ? squares / variance : 1;
  }
  std::sort(excess.begin(), excess.end());
  std::sort(dependent.begin(), dependent.end());
  constexpr double kDecile = 1.2816;  // in standard deviations of a normal distribution
  const double n = static_cast<double>(peaks.size()), q = std::min(1.0, expected / n);
  return {expected + std::max(0.0, excess[kUpperDecile] - kDecile * std::sqrt(n * q * (1 - q))),
          std::max(1.0, dependent[kUpperDecile - 1])};
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
        std::int64_t place = shift;
        int matched = 0;
        for (const std::int64_t s : {shift, shift - 1, shift + 1})
          if (const int k = count_matched(map, peaks, s); k > matched) matched = k, place = s;
        for (const Peak& p : peaks) expected += map.chance(std::int64_t{p.frame} - place, p.bin);
        const double n = static_cast<double>(peaks.size());
        const auto score_of = [&](const Chance& by) {
          return surprise(matched, n, std::clamp(by.expected / n, 1e-3, 0.999)) / by.dependent - places;
        };
        Match& m = best.try_emplace(t, Match{.score = -places}).first->second;
        if (score_of({expected, 1}) <= m.score) continue;  // the measured chance only lowers it
        const Chance chance = measure_chance(map, peaks, place, begin, end, expected);
        const double score = score_of(chance);
        if (score <= m.score) continue;
        m = {t,
             {},
             static_cast<double>(begin + place) * kLandmarkFrame,
             begin * kLandmarkFrame,
             end * kLandmarkFrame,
             static_cast<int>(peaks.size()),
             matched,
             chance.expected,
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
