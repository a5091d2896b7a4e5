#include "score/beat_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kMostBeats = 20000;
constexpr std::size_t kMostStretches = 1000;  ///< more changes of the beat than this are no meter

std::int64_t beat_length(const Score& score, const TimeSignature& meter) {
  const bool compound = meter.denominator == 8 && meter.numerator % 3 == 0 && meter.numerator > 3;
  const std::int64_t length = compound ? score.ticks_per_quarter * 3 / 2 : score.ticks_per_quarter;
  return std::max<std::int64_t>(length, 1);
}

/// Where in the beat notes (all from `from` on) begin: the peak of their weighted onsets modulo `length`, counted from
/// `from`. Long and low notes mark beats. Ticks in [0, length).
std::int64_t beat_phase(std::span<const Note> notes, std::int64_t from, std::int64_t length) {
  constexpr std::size_t kBins = 48;
  constexpr double kWidth = 0.03;  // beats: how far players stray
  std::array<double, kBins> onsets{};
  auto phase = [&](const Note& n) {
    return static_cast<double>((n.start - from) % length) / static_cast<double>(length);
  };
  auto weight = [&](const Note& n) {
    const double beats = static_cast<double>(n.duration) / static_cast<double>(length);
    return std::min(beats, 2.0) * (0.3 + 2 * std::clamp((60.0 - n.pitch) / 24, 0.0, 1.0));
  };
  for (const Note& n : notes) onsets[static_cast<std::size_t>(phase(n) * kBins)] += weight(n);
  std::size_t peak = 0;
  double highest = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    double smooth = 0;
    for (std::size_t j = 0; j < kBins; ++j) {
      const double apart = static_cast<double>(std::min((i + kBins - j) % kBins, (j + kBins - i) % kBins)) / kBins;
      smooth += onsets[j] * std::exp(-0.5 * apart * apart / (kWidth * kWidth));
    }
    if (smooth > highest * (1 + 1e-9)) highest = smooth, peak = i;
  }
  const double center = (static_cast<double>(peak) + 0.5) / kBins;
  double sum = 0, mean = 0;
  for (const Note& n : notes) {
    const double apart = phase(n) - center, near = apart - std::round(apart);
    if (std::abs(near) > 2 * kWidth) continue;
    sum += weight(n);
    mean += weight(n) * near;
  }
  if (sum == 0) return 0;
  const auto ticks = static_cast<std::int64_t>(std::llround((center + mean / sum) * static_cast<double>(length)));
  return ((ticks % length) + length) % length;
}

/// Boundaries of beats from 0 to past `end`; each stretch of one beat length has its own phase.
std::vector<std::int64_t> beat_ticks(const Score& score, const std::vector<Note>& notes, std::int64_t end) {
  std::vector<std::pair<std::int64_t, std::int64_t>> stretches{{0, beat_length(score, score.meter_at(0))}};
  for (const TimeSignature& meter : score.meters) {
    const std::int64_t length = beat_length(score, meter);
    if (meter.tick > stretches.back().first && meter.tick < end && length != stretches.back().second)
      stretches.emplace_back(meter.tick, length);
  }
  if (stretches.size() > kMostStretches) stretches.resize(1);
  std::vector<std::int64_t> ticks{0};
  std::int64_t longer = 1;
  while (end / score.ticks_per_quarter / longer > kMostBeats) longer *= 2;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const auto [from, notated] = stretches[i];
    const std::int64_t length = notated * longer;
    const bool last = i + 1 == stretches.size();
    const std::int64_t to = last ? end : stretches[i + 1].first;
    auto at = [&](std::int64_t t) {
      return std::lower_bound(notes.begin(), notes.end(), t, [](const Note& n, std::int64_t v) { return n.start < v; });
    };
    std::int64_t tick = from + beat_phase({at(from), at(to)}, from, length);
    if (from > ticks.back()) ticks.push_back(from);
    if (tick - from < length / 4) tick += length;  // a sliver is no beat of its own
    for (; tick < to; tick += length) ticks.push_back(tick);
    if (last) ticks.push_back(std::max(tick, ticks.back() + length));
  }
  return ticks;
}

struct Event {
  std::int64_t tick;
  std::uint8_t pitch;
  bool on;
};

}  // namespace

BeatEvidence beat_evidence(const Score& score) {
  const std::vector<Note> notes = score.merged_notes();
  if (notes.empty()) return {};
  BeatEvidence out;
  std::int64_t end = 1;
  std::vector<Event> events;
  for (const Note& n : notes) {
    end = std::max(end, n.end());
    if (n.duration <= 0) continue;
    events.push_back({n.start, n.pitch, true});
    events.push_back({n.end(), n.pitch, false});
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.tick < b.tick; });
  out.ticks = beat_ticks(score, notes, end);
  out.beats.resize(out.ticks.size() - 1);
  const TempoMap tempo(score);
  for (const std::int64_t tick : out.ticks) out.times.push_back(tempo.seconds_at(Ticks(tick)).value);

  constexpr std::uint8_t kLow = 55;
  std::array<int, 128> sounding{};
  std::array<std::array<float, 12>, 2> classes{};  // [below kLow, the others], notes that sound
  int count = 0;
  std::size_t next = 0, beat = 0;
  for (std::int64_t now = 0; beat < out.beats.size();) {
    for (; next < events.size() && events[next].tick <= now; ++next) {
      const Event& e = events[next];
      const int change = e.on ? 1 : -1;
      sounding[e.pitch] += change;
      classes[e.pitch < kLow ? 0 : 1][e.pitch % 12] += static_cast<float>(change);
      count += change;
    }
    const std::int64_t until = std::min(
        out.ticks[beat + 1], next < events.size() ? events[next].tick : std::numeric_limits<std::int64_t>::max());
    if (count > 0) {
      BeatWeights& w = out.beats[beat];
      const float share = static_cast<float>(until - now) / static_cast<float>(out.ticks[beat + 1] - out.ticks[beat]);
      for (std::size_t pc = 0; pc < 12; ++pc) {
        w.low[pc] += share * classes[0][pc];
        w.all[pc] += share * (classes[0][pc] + classes[1][pc]);
      }
      const auto lowest = std::find_if(sounding.begin(), sounding.end(), [](int n) { return n > 0; });
      const auto highest = std::find_if(sounding.rbegin(), sounding.rend(), [](int n) { return n > 0; });
      w.bass[static_cast<std::size_t>(lowest - sounding.begin()) % 12] += share;
      w.top[static_cast<std::size_t>(sounding.rend() - highest - 1) % 12] += share;
    }
    now = until;
    if (now == out.ticks[beat + 1]) ++beat;
  }
  return out;
}

}  // namespace euterpe
