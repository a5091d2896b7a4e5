#include "score/descriptors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "score/key.hpp"

namespace euterpe {
namespace {

constexpr int kBar = 16;
constexpr std::int64_t kLastOnset = 1 << 28;  // keeps sums of onset and length inside int
constexpr int kMaxSpan = 1 << 16;             // sixteenths looked at one by one: 4096 bars

std::int64_t to_grid(std::int64_t ticks, int ticks_per_quarter) {
  // Half a sixteenth rounds up, so that an even swing falls the same way everywhere.
  const double sixteenths = std::floor(static_cast<double>(ticks) * 4.0 / ticks_per_quarter + 0.5);
  return static_cast<std::int64_t>(std::clamp(sixteenths, 0.0, static_cast<double>(kLastOnset)));
}

/// Collects named numbers; the names are those of the first vector made.
class Features {
 public:
  void add(std::string name, double value) {
    names.push_back(std::move(name));
    values.push_back(std::isfinite(value) ? static_cast<float>(value) : 0.0f);
  }
  /// Shares of a whole; all zero where there is nothing to share.
  template <class Histogram>
  void add_shares(const std::string& name, const Histogram& counts) {
    double total = 0;
    for (double c : counts) total += c;
    int i = 0;
    for (double c : counts) add(name + "." + std::to_string(i++), total > 0 ? c / total : 0);
  }
  std::vector<std::string> names;
  std::vector<float> values;
};

/// Durations in sixteenths fall into 13 classes: the musical values alone, the odd ones between them together.
int duration_class(int sixteenths) {
  if (sixteenths <= 8) return std::max(sixteenths, 1) - 1;
  if (sixteenths < 12) return 8;
  if (sixteenths == 12) return 9;
  if (sixteenths < 16) return 10;
  return sixteenths == 16 ? 11 : 12;
}
constexpr int kDurationClasses = 13;

struct Moments {
  double n = 0, sum = 0, squares = 0;
  void add(double x) { n += 1, sum += x, squares += x * x; }
  double mean() const { return n > 0 ? sum / n : 0; }
  double deviation() const { return n > 0 ? std::sqrt(std::max(0.0, squares / n - mean() * mean())) : 0; }
};

/// The outer voice: at each onset the highest (or lowest) note, left out while a higher (lower) one still sounds.
std::vector<GridNote> outer_voice(std::span<const GridNote> notes, bool upper) {
  std::vector<GridNote> voice;
  for (std::size_t i = 0; i < notes.size();) {
    std::size_t end = i;
    while (end < notes.size() && notes[end].onset == notes[i].onset) ++end;
    const GridNote candidate = upper ? notes[end - 1] : notes[i];
    const bool covered = !voice.empty() && voice.back().onset + voice.back().length > candidate.onset &&
                         (upper ? voice.back().pitch > candidate.pitch : voice.back().pitch < candidate.pitch);
    if (!covered) voice.push_back(candidate);
    i = end;
  }
  return voice;
}

void add_voice(Features& out, const std::string& name, std::span<const GridNote> voice) {
  std::array<double, 25> intervals{};
  std::array<double, kDurationClasses> gaps{};
  std::array<double, 9> contour{};
  Moments leaps;
  int before = -1;
  for (std::size_t i = 1; i < voice.size(); ++i) {
    const int interval = voice[i].pitch - voice[i - 1].pitch;
    intervals[static_cast<std::size_t>(std::clamp(interval, -12, 12) + 12)] += 1;
    gaps[static_cast<std::size_t>(duration_class(voice[i].onset - voice[i - 1].onset))] += 1;
    leaps.add(std::min(std::abs(interval), 36));
    const int direction = (interval > 0) - (interval < 0) + 1;
    if (before >= 0) contour[static_cast<std::size_t>(before * 3 + direction)] += 1;
    before = direction;
  }
  out.add_shares(name + ".interval", intervals);
  out.add_shares(name + ".gap", gaps);
  out.add_shares(name + ".contour", contour);
  out.add(name + ".leap_mean", leaps.mean() / 12);
  out.add(name + ".leap_deviation", leaps.deviation() / 12);
}

/// Onsets and lengths on the grid.
void add_rhythm(Features& out, std::span<const GridNote> notes, int span) {
  std::array<double, kDurationClasses> gaps{}, lengths{};
  std::array<double, 4> in_beat{};
  std::array<double, kBar> in_bar{};
  Moments length;
  double syncopated = 0, onsets = 0;
  int previous = -1;
  for (const GridNote& note : notes) {
    lengths[static_cast<std::size_t>(duration_class(note.length))] += 1;
    length.add(std::min(note.length, 64));
    in_beat[static_cast<std::size_t>(note.onset % 4)] += 1;
    in_bar[static_cast<std::size_t>(note.onset % kBar)] += 1;
    // Sounds across a beat without beginning on one.
    syncopated += note.onset % 4 != 0 && note.onset % 4 + note.length > 4;
    if (note.onset == previous) continue;
    if (previous >= 0) gaps[static_cast<std::size_t>(duration_class(note.onset - previous))] += 1;
    previous = note.onset;
    onsets += 1;
  }
  out.add_shares("rhythm.gap", gaps);
  out.add_shares("rhythm.length", lengths);
  out.add_shares("rhythm.in_beat", in_beat);
  // |DFT| of the bar's onset histogram says how strong each subdivision is, wherever the bar line was put.
  const double n = std::max(1.0, static_cast<double>(notes.size()));
  for (int k = 1; k <= kBar / 2; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < kBar; ++i) {
      re += in_bar[static_cast<std::size_t>(i)] * std::cos(2 * M_PI * k * i / kBar);
      im += in_bar[static_cast<std::size_t>(i)] * std::sin(2 * M_PI * k * i / kBar);
    }
    out.add("rhythm.bar_spectrum." + std::to_string(k), std::hypot(re, im) / n);
  }
  const double beats = std::max(1.0, span / 4.0);
  out.add("rhythm.length_mean", std::log2(1 + length.mean()));
  out.add("rhythm.length_deviation", std::log2(1 + length.deviation()));
  out.add("rhythm.syncopated", syncopated / n);
  out.add("rhythm.notes_per_beat", std::log2(1 + static_cast<double>(notes.size()) / beats));
  out.add("rhythm.onsets_per_beat", onsets / beats);
}

/// How many notes sound, what they form over the bass, how the outer voices move against each other.
void add_texture(Features& out, std::span<const GridNote> notes, std::span<const GridNote> top,
                 std::span<const GridNote> bass, int span) {
  std::vector<std::uint8_t> sounding(static_cast<std::size_t>(span), 0);
  for (const GridNote& note : notes)
    for (int t = note.onset; t < std::min(span, note.onset + note.length); ++t)
      if (auto& count = sounding[static_cast<std::size_t>(t)]; count < 255) ++count;
  std::array<double, 9> polyphony{};
  for (std::uint8_t count : sounding) polyphony[std::min<std::size_t>(count, 8)] += 1;
  out.add_shares("texture.polyphony", polyphony);
  Moments change;
  for (std::size_t t = 1; t < sounding.size(); ++t) change.add(std::abs(sounding[t] - sounding[t - 1]));
  out.add("texture.change", change.mean());

  std::array<double, 7> chord_sizes{};
  std::array<double, 12> over_lowest{};
  Moments width, held;
  for (std::size_t i = 0; i < notes.size();) {
    std::size_t end = i;
    while (end < notes.size() && notes[end].onset == notes[i].onset) ++end;
    chord_sizes[std::min<std::size_t>(end - i, 7) - 1] += 1;
    for (std::size_t j = i + 1; j < end; ++j)
      over_lowest[static_cast<std::size_t>((notes[j].pitch - notes[i].pitch) % 12)] += 1;
    if (end - i > 1) width.add(notes[end - 1].pitch - notes[i].pitch);
    // Do the notes of a chord share one length (block chords), or does each go its own way?
    int shortest = notes[i].length, longest = notes[i].length;
    for (std::size_t j = i; j < end; ++j) {
      shortest = std::min(shortest, notes[j].length);
      longest = std::max(longest, notes[j].length);
    }
    if (end - i > 1) held.add(shortest == longest);
    i = end;
  }
  out.add_shares("texture.chord_size", chord_sizes);
  out.add_shares("texture.over_lowest", over_lowest);
  out.add("texture.chord_width", width.mean() / 12);
  out.add("texture.equal_lengths", held.mean());

  std::array<double, 5> motion{};  // parallel, similar, contrary, oblique, both still
  std::size_t b = 0, b_before = 0;
  for (std::size_t i = 0; i < top.size() && !bass.empty(); ++i) {
    while (b + 1 < bass.size() && bass[b + 1].onset <= top[i].onset) ++b;
    if (i > 0) {
      const int up = top[i].pitch - top[i - 1].pitch, low = bass[b].pitch - bass[b_before].pitch;
      const std::size_t kind = up == 0 && low == 0 ? 4 : up == 0 || low == 0 ? 3 : up * low < 0 ? 2 : up == low ? 0 : 1;
      motion[kind] += 1;
    }
    b_before = b;
  }
  out.add_shares("texture.motion", motion);
}

void add_pitch(Features& out, std::span<const GridNote> notes, std::span<const GridNote> top,
               std::span<const GridNote> bass) {
  std::array<double, 12> weights{};
  Moments all, upper, lower;
  int lowest = 127, highest = 0;
  for (const GridNote& note : notes) {
    weights[static_cast<std::size_t>(note.pitch % 12)] += std::min(note.length, 16);
    all.add(note.pitch);
    lowest = std::min(lowest, note.pitch);
    highest = std::max(highest, note.pitch);
  }
  for (const GridNote& note : top) upper.add(note.pitch);
  for (const GridNote& note : bass) lower.add(note.pitch);
  const KeyEstimate key = estimate_key(weights);
  std::array<double, 12> aligned{}, bass_degrees{};
  for (int pc = 0; pc < 12; ++pc)
    aligned[static_cast<std::size_t>(pc)] = weights[static_cast<std::size_t>((pc + key.tonic) % 12)];
  for (const GridNote& note : bass) bass_degrees[static_cast<std::size_t>((note.pitch - key.tonic + 12) % 12)] += 1;
  out.add_shares("pitch.degree", aligned);
  out.add_shares("pitch.bass_degree", bass_degrees);
  out.add("pitch.minor", key.minor && !notes.empty());
  out.add("pitch.key_confidence", key.confidence);
  out.add("pitch.spread", all.deviation() / 12);
  out.add("pitch.top_spread", upper.deviation() / 12);
  out.add("pitch.bass_spread", lower.deviation() / 12);
  out.add("pitch.range", notes.empty() ? 0 : (highest - lowest) / 12.0);
  out.add("pitch.distance_of_voices", (upper.mean() - lower.mean()) / 12);
  // Register: the only features that a transposition moves.
  out.add("register.top", notes.empty() ? 0 : (upper.mean() - 60) / 12);
  out.add("register.bass", notes.empty() ? 0 : (lower.mean() - 60) / 12);
}

/// How much of the passage comes again after one beat, half a bar, 1, 2, 4 and 8 bars: notes, then onsets alone.
void add_repetition(Features& out, std::span<const GridNote> notes, int span) {
  std::vector<char> onset_at(static_cast<std::size_t>(span) + 1, 0);
  for (const GridNote& note : notes)
    if (note.onset < span) onset_at[static_cast<std::size_t>(note.onset)] = 1;
  for (int lag : {4, 8, 16, 32, 64, 128}) {
    double candidates = 0, again = 0, same_rhythm = 0, union_rhythm = 0;
    std::size_t j = 0;
    for (const GridNote& note : notes) {
      if (note.onset < lag) continue;
      candidates += 1;
      while (j < notes.size() && std::pair(notes[j].onset, notes[j].pitch) < std::pair(note.onset - lag, note.pitch))
        ++j;
      again += j < notes.size() && notes[j].onset == note.onset - lag && notes[j].pitch == note.pitch;
    }
    for (int t = lag; t < span; ++t) {
      const bool a = onset_at[static_cast<std::size_t>(t)], b = onset_at[static_cast<std::size_t>(t - lag)];
      same_rhythm += a && b;
      union_rhythm += a || b;
    }
    out.add("repeat.notes." + std::to_string(lag), candidates > 0 ? again / candidates : 0);
    out.add("repeat.rhythm." + std::to_string(lag), union_rhythm > 0 ? same_rhythm / union_rhythm : 0);
  }
}

Features describe(std::span<const GridNote> notes) {
  // The first onset's beat is the origin: an empty bar in front says something of the file, nothing of the music.
  std::vector<GridNote> passage(notes.begin(), notes.end());
  if (!passage.empty()) {
    const int origin = passage.front().onset - passage.front().onset % 4;
    for (GridNote& note : passage) note.onset -= origin;
    while (passage.back().onset >= kMaxSpan) passage.pop_back();  // ordered by onset, the first stands at 0 … 3
  }
  int span = 0;
  for (const GridNote& note : passage)
    span = std::max(span, static_cast<int>(std::min<std::int64_t>(kMaxSpan, std::int64_t{note.onset} + note.length)));
  const auto top = outer_voice(passage, true), bass = outer_voice(passage, false);
  Features out;
  add_voice(out, "top", top);
  add_voice(out, "bass", bass);
  add_rhythm(out, passage, span);
  add_texture(out, passage, top, bass, span);
  add_pitch(out, passage, top, bass);
  add_repetition(out, passage, span);
  return out;
}

}  // namespace

std::vector<GridNote> grid_notes(const Score& score) {
  EUTERPE_ASSERT(score.ticks_per_quarter > 0);
  std::vector<GridNote> notes;
  for (const Track& track : score.tracks) {
    if (track.drums) continue;
    for (const Note& note : track.notes) {
      const auto onset = to_grid(note.start, score.ticks_per_quarter);
      const auto end = to_grid(note.end(), score.ticks_per_quarter);
      notes.push_back({static_cast<int>(onset), static_cast<int>(std::max<std::int64_t>(1, end - onset)), note.pitch});
    }
  }
  // The longest of equal (onset, pitch) comes first and is the one kept.
  std::sort(notes.begin(), notes.end(), [](const GridNote& a, const GridNote& b) {
    return std::tuple(a.onset, a.pitch, -a.length) < std::tuple(b.onset, b.pitch, -b.length);
  });
  notes.erase(
      std::unique(notes.begin(), notes.end(),
                  [](const GridNote& a, const GridNote& b) { return a.onset == b.onset && a.pitch == b.pitch; }),
      notes.end());
  return notes;
}

std::vector<GridNote> grid_window(std::span<const GridNote> notes, int from, int to) {
  std::vector<GridNote> window;
  for (GridNote note : notes) {
    if (note.onset < from || note.onset >= to) continue;
    note.length = std::min(note.length, to - note.onset);
    note.onset -= from;
    window.push_back(note);
  }
  return window;
}

std::vector<float> score_features(std::span<const GridNote> notes) { return describe(notes).values; }

const std::vector<std::string>& score_feature_names() {
  static const std::vector<std::string> names = describe({}).names;
  return names;
}

std::map<std::string, double> score_statistics(std::span<const GridNote> notes, int bars) {
  EUTERPE_ASSERT(bars >= 0 && bars <= kMaxSpan / kBar);
  const std::size_t steps = static_cast<std::size_t>(bars) * kBar;
  std::array<double, 12> classes{};
  std::vector<char> onset_at(steps, 0);
  std::vector<int> sounding(steps, 0);
  double count = 0, qualified = 0;
  int lowest = 127, highest = 0;
  for (const GridNote& note : notes) {
    if (note.onset < 0 || static_cast<std::size_t>(note.onset) >= steps) continue;
    count += 1;
    qualified += note.length >= 2;
    classes[static_cast<std::size_t>(note.pitch % 12)] += 1;
    lowest = std::min(lowest, note.pitch);
    highest = std::max(highest, note.pitch);
    const auto onset = static_cast<std::size_t>(note.onset);
    onset_at[onset] = 1;
    for (std::size_t t = onset; t < std::min(steps, onset + static_cast<std::size_t>(note.length)); ++t) ++sounding[t];
  }

  double entropy = 0;
  for (double c : classes)
    if (c > 0) entropy -= c / count * std::log2(c / count);
  double in_scale = 0;
  for (int tonic = 0; tonic < 12; ++tonic) {
    double inside = 0;
    for (int degree : {0, 2, 4, 5, 7, 9, 11}) inside += classes[static_cast<std::size_t>((tonic + degree) % 12)];
    in_scale = std::max(in_scale, inside);
  }
  double differing = 0;
  for (std::size_t t = kBar; t < steps; ++t) differing += onset_at[t] != onset_at[t - kBar];
  double total = 0, active = 0, empty = 0;
  for (std::size_t bar = 0; bar < static_cast<std::size_t>(bars); ++bar) {
    bool any = false;
    for (std::size_t t = bar * kBar; t < (bar + 1) * kBar; ++t) {
      total += sounding[t];
      active += sounding[t] > 0;
      any = any || sounding[t] > 0;
    }
    empty += !any;
  }
  const auto ratio = [](double a, double b) { return b > 0 ? a / b : 0.0; };
  return {{"pitch_class_entropy", entropy},
          {"scale_consistency", ratio(in_scale, count)},
          {"groove_consistency", count == 0 ? 0.0
                                 : bars < 2 ? 1.0
                                            : 1 - differing / (kBar * (bars - 1.0))},
          {"polyphony", ratio(total, active)},
          {"notes_per_bar", ratio(count, bars)},
          {"pitch_range", count > 0 ? highest - lowest : 0.0},
          {"qualified_note_rate", ratio(qualified, count)},
          {"empty_bar_rate", ratio(empty, bars)}};
}

}  // namespace euterpe
