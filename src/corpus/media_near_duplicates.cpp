#include "corpus/media_near_duplicates.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <mutex>
#include <numeric>
#include <tuple>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "media/decode.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kFanOut = 4;
constexpr std::size_t kCommon = 100;  // recordings' postings of one hash beyond which it says nothing
constexpr int kRate = kLandmarkRate;
constexpr std::size_t kWindow = kRate;  // samples compared at once
constexpr std::size_t kReach = 2048;    // samples to either side in which the best lag is sought: four frames
constexpr std::size_t kLags = 2 * kReach + 1;
constexpr std::ptrdiff_t kDrift = 16;          // samples by which a window may differ from the lag of all
constexpr int kFft = 32768;                    // holds a window and its reach
constexpr double kSegment = 8, kSegments = 3;  // seconds decoded at a time, how many from a long overlap
static_assert(kWindow + 2 * kReach <= kFft && 2 * kReach < kWindow);

constexpr double kMostPostings = 64e6;  // of 12 bytes

struct Posting {
  std::uint32_t hash, track, frame;
};

/// Which hashes are looked at: all, or by a share of them that fits kMostPostings.
struct Sample {
  double share = 1;
  bool holds(std::uint32_t hash) const { return hash * 2654435761U <= share * UINT32_MAX; }
};

/// Votes for offsets between `track` and each earlier one.
std::vector<DuplicatePair> proposals_of(std::uint32_t track, std::span<const Constellation> prints,
                                        std::span<const Posting> index, Sample sample,
                                        const DuplicateOptions& options) {
  struct Vote {
    std::uint32_t other;
    std::int32_t offset;  // frames: other's frame − own frame
    auto operator<=>(const Vote&) const = default;
  };
  std::vector<Vote> votes;
  for (const Landmark& l : landmarks(prints[track], kFanOut)) {
    if (!sample.holds(l.hash)) continue;
    const auto [first, last] = std::equal_range(index.begin(), index.end(), Posting{l.hash, 0, 0},
                                                [](const Posting& x, const Posting& y) { return x.hash < y.hash; });
    if (static_cast<std::size_t>(last - first) > kCommon) continue;
    for (auto p = first; p != last && p->track < track; ++p)
      votes.push_back({p->track, static_cast<std::int32_t>(p->frame) - static_cast<std::int32_t>(l.frame)});
  }
  std::sort(votes.begin(), votes.end());
  std::vector<DuplicatePair> pairs;
  // A copy cut between two frames votes for both neighbors, so three offsets in a row count as one.
  for (std::size_t begin = 0, end = 0; begin < votes.size(); ++begin) {
    while (end < votes.size() && votes[end].other == votes[begin].other && votes[end].offset <= votes[begin].offset + 2)
      ++end;
    const int count = static_cast<int>(end - begin);
    if (count < options.votes) continue;
    if (pairs.empty() || pairs.back().a != votes[begin].other) {
      pairs.push_back({});
      pairs.back().a = votes[begin].other;
      pairs.back().b = track;
    }
    if (count <= pairs.back().votes) continue;
    const double own = prints[track].frames * kLandmarkFrame,
                 other = prints[votes[begin].other].frames * kLandmarkFrame;
    const double offset = votes[begin + (end - begin) / 2].offset * kLandmarkFrame;
    pairs.back().votes = count;
    pairs.back().offset = offset;
    pairs.back().overlap = std::min(other, own + offset) - std::max(0.0, offset);
  }
  std::erase_if(pairs, [&](const DuplicatePair& p) { return p.overlap < options.shortest; });
  return pairs;
}

double energy(std::span<const float> x) { return std::inner_product(x.begin(), x.end(), x.begin(), 0.0); }

/// Cross-correlation of windows of `a` with the surroundings of the same moment in `b`.
class Comparison {
 public:
  Comparison() : fft_(kFft), time_(kFft), left_(kFft / 2 + 1), right_(kFft / 2 + 1) {}

  /// `b` begins kReach samples before the moment at which `a` does, as far as the offset is known.
  void add(std::span<const float> a, std::span<const float> b) {
    for (std::size_t at = 0; at + kWindow <= a.size() && at + kWindow + 2 * kReach <= b.size(); at += kWindow / 2)
      compare(a.subspan(at, kWindow), b.subspan(at, kWindow + 2 * kReach));
  }

  void finish(DuplicatePair& pair) {
    if (windows_.empty()) return;
    // One lag must suit all windows: each on its own would find one at which some note or other agrees.
    std::vector<double> sum(kLags, 0.0);
    for (const Window& w : windows_)
      for (std::size_t lag = 0; lag < kLags; ++lag) sum[lag] += w.correlation[lag];
    const auto larger = [](double a, double b) { return std::abs(a) < std::abs(b); };
    const auto common = std::max_element(sum.begin(), sum.end(), larger) - sum.begin();
    const auto from = std::max<std::ptrdiff_t>(0, common - kDrift);
    const auto to = std::min<std::ptrdiff_t>(kLags, common + kDrift + 1);
    std::vector<double> size, away;
    double energy_a = 0, energy_b = 0;
    for (const Window& w : windows_) {
      const auto best = std::max_element(w.correlation.begin() + from, w.correlation.begin() + to, larger);
      size.push_back(std::abs(*best));
      const auto own = std::max_element(w.correlation.begin(), w.correlation.end(), larger) - w.correlation.begin();
      away.push_back(std::abs(static_cast<double>(own - common)));
      energy_a += w.energy_a;
      energy_b += w.energy_b[static_cast<std::size_t>(best - w.correlation.begin())];
    }
    const auto median = [](std::vector<double> v) {  // the lower of the two middle ones
      const auto middle = v.begin() + static_cast<std::ptrdiff_t>((v.size() - 1) / 2);
      std::nth_element(v.begin(), middle, v.end());
      return *middle;
    };
    pair.correlation = median(size);
    pair.jitter = median(away) / kRate;
    pair.offset -= (static_cast<double>(common) - static_cast<double>(kReach)) / kRate;
    pair.inverted = sum[static_cast<std::size_t>(common)] < 0;
    pair.gain_db = 10 * std::log10(std::max(energy_b, 1e-20) / energy_a);
  }

 private:
  struct Window {
    std::vector<float> correlation, energy_b;  ///< [kLags], from −kReach to +kReach
    double energy_a;
  };

  void compare(std::span<const float> a, std::span<const float> b) {
    constexpr double kSilence = 1e-9 * kWindow;  // −90 dB: nothing to compare
    const double energy_a = energy(a);
    if (energy_a < kSilence) return;
    std::fill(std::copy(a.begin(), a.end(), time_.begin()), time_.end(), 0.F);
    fft_.forward(time_.data(), left_.data());
    std::fill(std::copy(b.begin(), b.end(), time_.begin()), time_.end(), 0.F);
    fft_.forward(time_.data(), right_.data());
    for (std::size_t k = 0; k < left_.size(); ++k) right_[k] *= std::conj(left_[k]);
    fft_.inverse(right_.data(), time_.data());
    Window window{std::vector<float>(kLags, 0.F), std::vector<float>(kLags, 0.F), energy_a};
    double energy_b = energy(b.first(kWindow));
    for (std::size_t lag = 0; lag < kLags; ++lag) {
      if (lag > 0) energy_b += double{b[lag + kWindow - 1]} * b[lag + kWindow - 1] - double{b[lag - 1]} * b[lag - 1];
      window.energy_b[lag] = static_cast<float>(energy_b);
      if (energy_b > kSilence)
        window.correlation[lag] = static_cast<float>(time_[lag] / std::sqrt(energy_a * energy_b));
    }
    windows_.push_back(std::move(window));
  }

  RealFft fft_;
  std::vector<float> time_;
  std::vector<std::complex<float>> left_, right_;
  std::vector<Window> windows_;
};

}  // namespace

std::vector<DuplicatePair> propose_duplicates(std::span<const Constellation> prints, const DuplicateOptions& options) {
  double peaks = 0;
  for (const Constellation& print : prints) peaks += static_cast<double>(print.peaks.size());
  const Sample sample{std::min(1.0, kMostPostings / std::max(1.0, kFanOut * peaks))};
  std::vector<Posting> index;
  for (std::size_t i = 0; i < prints.size(); ++i)
    for (const Landmark& l : landmarks(prints[i], kFanOut))
      if (sample.holds(l.hash)) index.push_back({l.hash, static_cast<std::uint32_t>(i), l.frame});
  std::sort(index.begin(), index.end(), [](const Posting& x, const Posting& y) {
    return std::tie(x.hash, x.track, x.frame) < std::tie(y.hash, y.track, y.frame);
  });
  std::vector<std::vector<DuplicatePair>> found(prints.size());
  parallel_for(prints.size(), [&](std::size_t i) {
    check_interrupt();
    found[i] = proposals_of(static_cast<std::uint32_t>(i), prints, index, sample, options);
  });
  std::vector<DuplicatePair> all;
  for (auto& pairs : found) all.insert(all.end(), pairs.begin(), pairs.end());
  return all;
}

void verify_duplicate(DuplicatePair& pair, const std::filesystem::path& a, const std::filesystem::path& b) {
  constexpr double kMargin = static_cast<double>(kReach + 1) / kRate;
  const double first = std::max(0.0, pair.offset) + kMargin, length = pair.overlap - 2 * kMargin;  // in a's time
  std::vector<std::pair<double, double>> segments;
  if (length <= kSegments * kSegment) {
    segments.push_back({first, length});
  } else {
    for (double s = 0; s < kSegments; ++s)
      segments.push_back({first + (length - kSegment) * s / (kSegments - 1), kSegment});
  }
  Comparison comparison;
  for (const auto& [start, duration] : segments) {
    const auto hear = [&](const std::filesystem::path& file, double at, double seconds) {
      return decode(file, {.sample_rate = kRate, .channels = 1, .start = std::max(0.0, at), .duration = seconds})
          .samples;
    };
    constexpr double kAround = static_cast<double>(kReach) / kRate;
    comparison.add(hear(a, start, duration), hear(b, start - pair.offset - kAround, duration + 2 * kAround));
  }
  comparison.finish(pair);
}

std::vector<DuplicatePair> find_near_duplicates(std::span<const std::filesystem::path> files,
                                                std::span<const Constellation> prints,
                                                const DuplicateOptions& options) {
  EUTERPE_ASSERT(files.size() == prints.size());
  std::vector<DuplicatePair> pairs = propose_duplicates(prints, options);
  Progress progress("compare", pairs.size(), "pairs");
  parallel_for(pairs.size(), [&](std::size_t i) {
    check_interrupt();
    try {
      verify_duplicate(pairs[i], files[pairs[i].a], files[pairs[i].b]);
    } catch (const Error& e) {
      if (e.category() == Category::interrupted) throw;
      spdlog::warn("not compared: {}", e.what());
      pairs[i].correlation = -1;
    }
    progress.advance();
  });
  std::erase_if(pairs, [&](const DuplicatePair& p) { return p.correlation < options.correlation; });
  std::sort(pairs.begin(), pairs.end(),
            [](const auto& x, const auto& y) { return std::tie(x.a, x.b) < std::tie(y.a, y.b); });
  return pairs;
}

std::vector<std::size_t> duplicate_families(std::size_t n, std::span<const DuplicatePair> pairs) {
  std::vector<std::size_t> root(n);
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&](std::size_t i) {
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
  };
  for (const DuplicatePair& p : pairs) {
    const std::size_t a = find(p.a), b = find(p.b);
    root[std::max(a, b)] = std::min(a, b);
  }
  for (std::size_t i = 0; i < n; ++i) root[i] = find(i);
  return root;
}

}  // namespace euterpe
