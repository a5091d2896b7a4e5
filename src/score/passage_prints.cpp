#include "score/passage_prints.hpp"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <limits>

#include "score/passage_lines.hpp"

namespace euterpe {
namespace {

constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;
constexpr std::uint64_t kBase = 0x123456789ABCDEFULL;  // any number without a pattern, below the prime
constexpr int kPitches = 128;

constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  const std::uint64_t sum = static_cast<std::uint64_t>(product & kPrime) + static_cast<std::uint64_t>(product >> 61);
  return sum >= kPrime ? sum - kPrime : sum;
}

constexpr std::uint64_t power(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base = times(base, base))
    if ((exponent & 1) != 0) result = times(result, base);
  return result;
}

constexpr std::array<std::uint64_t, kPitches> powers(std::uint64_t base) {
  std::array<std::uint64_t, kPitches> out{};
  out[0] = 1;
  for (std::size_t i = 1; i < out.size(); ++i) out[i] = times(out[i - 1], base);
  return out;
}

constexpr auto kUp = powers(kBase);
constexpr auto kDown = powers(power(kBase, kPrime - 2));  // by Fermat the inverses

// How moments are rounded to bytes: one step of each.
constexpr std::array<float, 3> kSteps{1.0f / 255, 0.5f / 255, 1.0f / 16};
constexpr std::array<float, 3> kZero{0, 0, 128};
// What moving notes to a grid of a twelfth of a quarter changes, twice over.
constexpr std::array<float, 3> kTolerance{0.010f, 0.010f, 0.040f};

std::uint8_t rounded(float value, std::size_t moment) {
  return static_cast<std::uint8_t>(std::clamp(value / kSteps[moment] + kZero[moment] + 0.5f, 0.0f, 255.0f));
}

struct Bars {
  std::size_t begin = 0, end = 0;  ///< notes
  std::size_t onsets = 0;
};

constexpr std::size_t kShort = 2, kLong = 4;  // bars of a print
constexpr std::size_t kFewest = 4;            // onsets of one: fewer stand everywhere

}  // namespace

std::vector<PrintNote> print_notes(const Score& score) {
  std::vector<PrintNote> notes;
  for (const Track& track : score.tracks) {
    if (track.drums) continue;
    for (const Note& n : track.notes)
      if (n.channel != 9) notes.push_back({static_cast<double>(n.start) / score.ticks_per_quarter, n.pitch});
  }
  std::sort(notes.begin(), notes.end(), [](const PrintNote& a, const PrintNote& b) {
    return a.time < b.time || (a.time == b.time && a.pitch < b.pitch);
  });
  return notes;
}

void PrintSums::add(const PrintNote& note) {
  if (notes_ == 0) first_ = note.time;
  last_ = note.time;
  const double time = note.time - first_, pitch = note.pitch;
  pitches_ += kUp[note.pitch & (kPitches - 1)];
  if (pitches_ >= kPrime) pitches_ -= kPrime;
  ++notes_;
  lowest_ = std::min(lowest_, int{note.pitch});
  time_ += time;
  square_ += time * time;
  pitch_ += pitch;
  both_ += time * pitch;
}

std::uint32_t PrintSums::key() const {
  const std::uint64_t from_lowest = times(pitches_, kDown[static_cast<std::size_t>(lowest_)]);
  return static_cast<std::uint32_t>((from_lowest * 0x9E3779B97F4A7C15ULL) >> 32);
}

std::array<float, 3> PrintSums::moments() const {
  const double span = last_ - first_, n = static_cast<double>(notes_);
  if (notes_ == 0 || span <= 0) return {};
  const double mean = time_ / n;
  return {static_cast<float>(mean / span),
          static_cast<float>(std::sqrt(std::max(0.0, square_ / n - mean * mean)) / span),
          static_cast<float>((both_ / n - mean * pitch_ / n) / span)};
}

bool same_moments(const std::array<float, 3>& moments, const std::array<std::uint8_t, 3>& print) {
  for (std::size_t i = 0; i < moments.size(); ++i) {
    const float known = (static_cast<float>(print[i]) - kZero[i]) * kSteps[i];
    if (std::abs(moments[i] - known) > kTolerance[i] + kSteps[i] / 2) return false;
  }
  return true;
}

std::size_t count_onsets(const std::vector<PrintNote>& notes, std::size_t begin, std::size_t end, double together) {
  std::size_t onsets = 0;
  double last = -std::numeric_limits<double>::infinity();
  for (std::size_t i = begin; i < end; ++i)
    if (notes[i].time - last >= together) {
      ++onsets;
      last = notes[i].time;
    }
  return onsets;
}

bool are_varied(const std::vector<PrintNote>& notes, std::size_t begin, std::size_t end) {
  constexpr std::size_t kFewestPitches = 4;
  std::bitset<kPitches> pitches;
  for (std::size_t i = begin; i < end; ++i) pitches.set(notes[i].pitch & (kPitches - 1));
  return pitches.count() >= kFewestPitches;
}

std::size_t print_onsets_needed(double bars) {
  constexpr double kNearly = 0.05;
  if (bars >= 4 - kNearly) return 6;
  if (bars >= 3 - kNearly) return 8;
  if (bars >= 2 - kNearly) return 12;
  return std::numeric_limits<std::size_t>::max();
}

std::vector<BarPrint> bar_prints(const Score& score) {
  const auto notes = print_notes(score);
  std::vector<double> lines;
  for (const std::int64_t tick : score.bar_lines())
    lines.push_back(static_cast<double>(tick) / score.ticks_per_quarter);
  const std::size_t bars = lines.empty() ? 0 : lines.size() - 1;
  const auto bars_from = [&](std::size_t bar, std::size_t count) {
    const auto at = [&](double time) {
      return static_cast<std::size_t>(
          std::lower_bound(notes.begin(), notes.end(), time, [](const PrintNote& n, double t) { return n.time < t; }) -
          notes.begin());
    };
    Bars found{at(lines[bar]), at(lines[std::min(bar + count, bars)]), 0};
    found.onsets = count_onsets(notes, found.begin, found.end, kPassageTogether);
    return found;
  };
  std::vector<BarPrint> out;
  const auto print = [&](std::size_t bar, std::size_t count) {
    const Bars found = bars_from(bar, count);
    PrintSums sums;
    for (std::size_t i = found.begin; i < found.end; ++i) sums.add(notes[i]);
    const double span = (sums.last() - sums.first()) * kPrintPerQuarter;
    const double length = (lines[bar + count] - lines[bar]) * kPrintPerQuarter;
    if (found.onsets < kFewest || span <= 0 || length + 0.5 > std::numeric_limits<std::uint8_t>::max()) return false;
    BarPrint made;
    made.axis = static_cast<std::uint32_t>(std::floor(lines[bar] * kPrintPerQuarter + 0.5));
    made.length = static_cast<std::uint8_t>(std::floor(length + 0.5));
    made.key = sums.key() ^ (count == kLong ? kFourBars : 0);
    made.onsets = static_cast<std::uint8_t>(std::min<std::size_t>(found.onsets, 255));
    made.lowest = static_cast<std::uint8_t>(sums.lowest());
    made.span = static_cast<std::uint8_t>(std::max(1.0, std::floor(span + 0.5)));
    const auto moments = sums.moments();
    for (std::size_t i = 0; i < moments.size(); ++i) made.moments[i] = rounded(moments[i], i);
    out.push_back(made);
    return true;
  };
  const auto is_dense = [&](std::size_t bar) {
    if (bar + kShort > bars) return false;
    const Bars found = bars_from(bar, kShort);
    return found.onsets >= print_onsets_needed(kShort) && are_varied(notes, found.begin, found.end);
  };
  std::vector<bool> has(bars, false);
  for (std::size_t b = 0; b + kShort <= bars; ++b)
    has[b] = !(b % 2 == 1 && is_dense(b - 1) && is_dense(b + 1)) && print(b, kShort);
  for (std::size_t b = 0; b + kLong <= bars; ++b) {
    if (bars_from(b, kLong).onsets < print_onsets_needed(kLong) || (has[b] && has[b + 2])) continue;
    bool spoken_for = false;
    for (std::size_t k = b; k <= b + 2; ++k) spoken_for |= has[k] && is_dense(k);
    for (std::size_t k = b; k <= b + 1; ++k)
      spoken_for |= has[k] && has[k + 1] && bars_from(k, kShort + 1).onsets >= print_onsets_needed(kShort + 1);
    if (!spoken_for) print(b, kLong);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace euterpe
