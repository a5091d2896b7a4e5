#include "score/beat_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "score/beats.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMostBeats = 20000;
constexpr double kLongestHeard = 7200;  ///< seconds: hearing beats takes memory
/// Share of the onsets' weight within a tenth of a beat of the beats: chance gives 0.2, 99.5 % of pop909's train songs
/// 0.44 and more.
constexpr double kFollow = 0.42;
constexpr std::size_t kMostStretches = 1000;  ///< more changes of the beat than this are no meter

std::int64_t beat_length(const Score& score, const TimeSignature& meter) {
  const bool compound = meter.denominator == 8 && meter.numerator % 3 == 0 && meter.numerator > 3;
  const std::int64_t length = compound ? score.ticks_per_quarter * 3 / 2 : score.ticks_per_quarter;
  return std::max<std::int64_t>(length, 1);
}

/// Where beats begin, and the weight of the onsets that lie there, of all. Long and low notes mark beats.
struct Phase {
  std::int64_t tick = 0;  ///< [0, length of a beat)
  double on_beat = 0, all = 0;
};

/// The peak of the notes' weighted onsets modulo `length`, counted from `from`, where the first of them may begin.
Phase beat_phase(std::span<const Note> notes, std::int64_t from, std::int64_t length) {
  constexpr std::size_t kBins = 48;
  constexpr double kWidth = 0.03, kNear = 0.1;  // beats: how far players stray from the beat
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
  Phase out;
  double sum = 0, mean = 0;
  for (const Note& n : notes) {
    const double apart = phase(n) - center, near = apart - std::round(apart);
    out.all += weight(n);
    if (std::abs(near) <= kNear) out.on_beat += weight(n);
    if (std::abs(near) > 2 * kWidth) continue;
    sum += weight(n);
    mean += weight(n) * near;
  }
  if (sum == 0) return out;
  const auto ticks = static_cast<std::int64_t>(std::llround((center + mean / sum) * static_cast<double>(length)));
  out.tick = ((ticks % length) + length) % length;
  return out;
}

/// Boundaries of beats from 0 to past `end`; each stretch of one beat length has its own phase. Nothing if the notes do
/// not lie on beats of this length at all: a performance that was recorded without regard to the file's tempo.
std::vector<std::int64_t> notated_ticks(const Score& score, const std::vector<Note>& notes, std::int64_t end) {
  std::vector<std::pair<std::int64_t, std::int64_t>> stretches{{0, beat_length(score, score.meter_at(0))}};
  for (const TimeSignature& meter : score.meters) {
    const std::int64_t length = beat_length(score, meter);
    if (meter.tick > stretches.back().first && meter.tick < end && length != stretches.back().second)
      stretches.emplace_back(meter.tick, length);
  }
  if (stretches.size() > kMostStretches) stretches.resize(1);
  std::vector<std::int64_t> ticks{0};
  double on_beat = 0, all = 0;
  std::int64_t longer = 1;
  while (end / score.ticks_per_quarter / longer > static_cast<std::int64_t>(kMostBeats)) longer *= 2;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const auto [from, notated] = stretches[i];
    const std::int64_t length = notated * longer;
    const bool last = i + 1 == stretches.size();
    const std::int64_t to = last ? end : stretches[i + 1].first;
    auto at = [&](std::int64_t t) {
      return std::lower_bound(notes.begin(), notes.end(), t, [](const Note& n, std::int64_t v) { return n.start < v; });
    };
    const Phase phase = beat_phase({at(from), at(to)}, from, length);
    on_beat += phase.on_beat;
    all += phase.all;
    std::int64_t tick = from + phase.tick;
    if (from > ticks.back()) ticks.push_back(from);
    if (4 * (tick - from) < length) tick += length;  // a sliver is no beat of its own
    for (; tick < to; tick += length) ticks.push_back(tick);
    if (last) ticks.push_back(std::max(tick, ticks.back() + length));
  }
  if (on_beat < kFollow * all) return {};
  return ticks;
}

/// Boundaries from beats heard in the notes; nothing if none are.
std::vector<std::int64_t> heard_ticks(const Score& score, const TempoMap& tempo, std::int64_t end) {
  std::vector<std::int64_t> ticks{0};
  for (const Beat& beat : score_beats(score).beats)
    if (const std::int64_t tick = tempo.tick_at(Seconds(beat.time)).value; tick > ticks.back()) ticks.push_back(tick);
  if (ticks.size() < 3) return {};
  const std::int64_t length = ticks.back() - ticks[ticks.size() - 2];
  while (ticks.back() < end && ticks.size() < kMostBeats) ticks.push_back(ticks.back() + length);
  if (ticks.back() < end) ticks.push_back(end);
  return ticks;
}

/// Boundaries every half second, for want of beats.
std::vector<std::int64_t> even_ticks(const TempoMap& tempo, std::int64_t end) {
  const double seconds = tempo.seconds_at(Ticks(end)).value;
  const double step = std::max(0.5, seconds / static_cast<double>(kMostBeats));
  std::vector<std::int64_t> ticks{0};
  for (double time = step; time < seconds; time += step)
    if (const std::int64_t tick = tempo.tick_at(Seconds(time)).value; tick > ticks.back()) ticks.push_back(tick);
  if (ticks.back() < end) ticks.push_back(end);
  return ticks;
}

std::vector<std::int64_t> beat_ticks(const Score& score, const std::vector<Note>& notes, const TempoMap& tempo,
                                     std::int64_t end) {
  std::vector<std::int64_t> ticks = notated_ticks(score, notes, end);
  if (!ticks.empty()) return ticks;
  if (tempo.seconds_at(Ticks(end)).value <= kLongestHeard) ticks = heard_ticks(score, tempo, end);
  return ticks.empty() ? even_ticks(tempo, end) : ticks;
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
  const TempoMap tempo(score);
  out.ticks = beat_ticks(score, notes, tempo, end);
  out.beats.resize(out.ticks.size() - 1);
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
