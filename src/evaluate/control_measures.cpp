#include "evaluate/control_measures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "recognize/metrics.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t i = 0, end = 0; i < order.size(); i = end) {
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) out[order[k]] = 0.5 * static_cast<double>(i + end - 1);
  }
  return out;
}

bool is_compound(const TimeSignature& meter) {
  return meter.denominator >= 8 && meter.numerator > 3 && meter.numerator % 3 == 0;
}

}  // namespace

double spearman(std::span<const double> a, std::span<const double> b) { return pearson(ranks(a), ranks(b)); }

std::vector<ChordSegment> chords_in_time(const Score& score, std::span<const BarChords> chords) {
  EUTERPE_ASSERT(!chords.empty());
  const TempoMap time(score);
  const auto lines = score.bar_lines();
  std::vector<ChordSegment> out;
  for (std::size_t bar = 0; bar + 1 < lines.size(); ++bar) {
    const BarChords& asked = chords[bar % chords.size()];
    const int beats = score.meter_at(lines[bar]).numerator;
    // As bar_chords() divides a bar: the second chord begins on the beat at or after the middle.
    const std::int64_t middle = lines[bar] + (lines[bar + 1] - lines[bar]) * ((beats + 1) / 2) / beats;
    const double from = time.seconds_at(Ticks(lines[bar])).value, to = time.seconds_at(Ticks(lines[bar + 1])).value;
    const double between = asked.size() > 1 ? time.seconds_at(Ticks(middle)).value : to;
    out.push_back({from, between, asked.front(), 1});
    if (between < to) out.push_back({between, to, asked.back(), 1});
  }
  return out;
}

double chord_tone_share(const Score& score, std::span<const ChordSegment> chords) {
  const TempoMap time(score);
  double in = 0, all = 0;
  for (const Note& note : score.merged_notes()) {
    const double from = time.seconds_at(Ticks(note.start)).value, to = time.seconds_at(Ticks(note.end())).value;
    for (const ChordSegment& segment : chords) {
      const double overlap = std::min(to, segment.end) - std::max(from, segment.start);
      if (overlap <= 0 || segment.chord.root < 0) continue;
      all += overlap;
      const int interval = ((note.pitch - segment.chord.root) % 12 + 12) % 12;
      if (chord_intervals(segment.chord.quality) >> interval & 1) in += overlap;
    }
  }
  return all > 0 ? in / all : 0;
}

TempoFound compare_tempo(double heard, double quarters, const TimeSignature& meter) {
  const double beats = is_compound(meter) ? quarters * 2 / 3 : quarters;
  const auto near = [&](double level) { return std::abs(heard / (beats * level) - 1) <= kTempoTolerance; };
  constexpr std::array kLevels{0.5, 1.0, 2.0};
  return {near(1), std::any_of(kLevels.begin(), kLevels.end(), near)};
}

}  // namespace euterpe
