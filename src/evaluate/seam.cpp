#include "evaluate/seam.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "base/random.hpp"
#include "evaluate/score_heads.hpp"
#include "recognize/forest.hpp"
#include "train/kernel_machine.hpp"

namespace euterpe {
namespace {

constexpr int kFolds = 10;
constexpr int kTrees = 200;
constexpr float kFarthest = 24;  // semitones: a step where one side is silent says nothing more

using Profile = std::array<double, 12>;

double safe_log_ratio(double a, double b, double least) { return std::log((a + least) / (b + least)); }

double cosine(const Profile& a, const Profile& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < 12; ++i) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

/// Share of the weight inside the diatonic scale on each tonic; 1 where nothing sounds.
Profile scale_shares(const Profile& p) {
  constexpr std::array kScale{0, 2, 4, 5, 7, 9, 11};
  const double all = std::accumulate(p.begin(), p.end(), 0.0);
  Profile out;
  for (int tonic = 0; tonic < 12; ++tonic) {
    double in = 0;
    for (const int step : kScale) in += p[static_cast<std::size_t>((tonic + step) % 12)];
    out[static_cast<std::size_t>(tonic)] = all > 0 ? in / all : 1;
  }
  return out;
}

double best_scale(const Profile& p) {
  const Profile shares = scale_shares(p);
  return *std::max_element(shares.begin(), shares.end());
}

/// Share of `p` outside the scales that fit `other` best: of several the one that fits `p`.
double foreign(const Profile& p, const Profile& other) {
  const Profile of_p = scale_shares(p), of_other = scale_shares(other);
  const double best = *std::max_element(of_other.begin(), of_other.end());
  double most = 0;
  for (std::size_t k = 0; k < 12; ++k)
    if (of_other[k] > best - 1e-9) most = std::max(most, of_p[k]);
  return 1 - most;
}

double entropy(const Profile& p) {
  const double all = std::accumulate(p.begin(), p.end(), 0.0);
  double bits = 0;
  for (const double w : p)
    if (w > 0) bits -= w / all * std::log2(w / all);
  return bits;
}

/// The line that stands out on top or carries below: of each onset the outermost note, where nothing sounds on beyond
/// it.
std::vector<GridNote> line_of(std::span<const GridNote> notes, bool top) {
  std::vector<GridNote> out;
  for (const GridNote& n : notes) {
    const auto beyond = [&](const GridNote& other) {
      return other.onset <= n.onset && other.onset + other.length > n.onset && other.pitch != n.pitch &&
             (other.pitch > n.pitch) == top;
    };
    if (std::any_of(notes.begin(), notes.end(), beyond)) continue;
    out.push_back(n);
  }
  return out;
}

/// What begins and what sounds in [from, to), in sixteenths.
struct BarView {
  int from = 0, to = 16;
  std::vector<GridNote> notes;  ///< that begin there
  std::vector<GridNote> top, low;
  Profile sounding{};        ///< sixteenths
  double sounding_time = 0;  ///< sixteenths in which anything sounds
  double note_time = 0;      ///< sum over the notes of the sixteenths in which they sound

  BarView(std::span<const GridNote> all, int begin, int end) : from(begin), to(end) {
    std::vector<bool> heard(static_cast<std::size_t>(to - from));
    for (const GridNote& n : all) {
      if (n.onset >= from && n.onset < to) notes.push_back(n);
      const int a = std::max(n.onset, from), b = std::min(n.onset + n.length, to);
      if (a >= b) continue;
      sounding[static_cast<std::size_t>(n.pitch % 12)] += b - a;
      note_time += b - a;
      for (int t = a; t < b; ++t) heard[static_cast<std::size_t>(t - from)] = true;
    }
    sounding_time = static_cast<double>(std::count(heard.begin(), heard.end(), true));
    top = line_of(notes, true);
    low = line_of(notes, false);
  }

  double per_note(double sum) const { return notes.empty() ? 0 : sum / static_cast<double>(notes.size()); }
  template <class Value>
  double mean(Value&& value) const {
    double sum = 0;
    for (const GridNote& n : notes) sum += value(n);
    return per_note(sum);
  }
  double mean_step(const std::vector<GridNote>& line) const {
    double sum = 0;
    for (std::size_t i = 1; i < line.size(); ++i) sum += std::abs(line[i].pitch - line[i - 1].pitch);
    return line.size() > 1 ? sum / static_cast<double>(line.size() - 1) : 0;
  }
  /// Semitones and tritones among the tones struck together, a pair.
  double dissonance() const {
    double rough = 0, pairs = 0;
    for (std::size_t i = 0; i < notes.size(); ++i)
      for (std::size_t j = i + 1; j < notes.size() && notes[j].onset == notes[i].onset; ++j) {
        const int apart = std::abs(notes[j].pitch - notes[i].pitch) % 12;
        rough += apart == 1 || apart == 11 || apart == 6;
        ++pairs;
      }
    return pairs > 0 ? rough / pairs : 0;
  }
};

/// How a bar sounds by itself; names in kBarNames.
constexpr std::array kBarNames{"notes", "onsets",  "polyphony", "silence",  "length",       "short",    "long",
                               "pitch", "highest", "lowest",    "top_step", "low_step",     "offbeats", "entropy",
                               "scale", "rough",   "first",     "last",     "chord_onsets", "repeated"};
std::array<double, kBarNames.size()> describe_bar(const BarView& b) {
  const double bar = b.to - b.from;
  double chords = 0, repeated = 0;
  for (std::size_t i = 1; i < b.notes.size(); ++i) chords += b.notes[i].onset == b.notes[i - 1].onset;
  for (std::size_t i = 1; i < b.top.size(); ++i) repeated += b.top[i].pitch == b.top[i - 1].pitch;
  const auto extreme = [&](bool high) {
    int out = high ? 0 : 127;
    for (const GridNote& n : b.notes) out = high ? std::max(out, n.pitch) : std::min(out, n.pitch);
    return b.notes.empty() ? 60.0 : static_cast<double>(out);
  };
  const double mean_pitch = b.notes.empty() ? 60.0 : b.mean([](const GridNote& n) { return n.pitch; });
  return {std::log1p(static_cast<double>(b.notes.size()) * 16 / bar),
          std::log1p(static_cast<double>(b.top.size()) * 16 / bar),
          b.sounding_time > 0 ? std::log1p(b.note_time / b.sounding_time) : 0,
          1 - b.sounding_time / bar,
          std::log1p(b.mean([](const GridNote& n) { return n.length; })),
          b.mean([](const GridNote& n) { return n.length == 1; }),
          b.mean([&](const GridNote& n) { return n.length >= bar / 2; }),
          mean_pitch,
          extreme(true),
          extreme(false),
          b.mean_step(b.top),
          b.mean_step(b.low),
          b.mean([&](const GridNote& n) { return (n.onset - b.from) % 4 != 0; }),
          entropy(b.sounding),
          best_scale(b.sounding),
          b.dissonance(),
          b.top.empty() ? 1 : (b.top.front().onset - b.from) / bar,
          b.top.empty() ? 1 : (b.to - b.top.back().onset) / bar,
          b.per_note(chords),
          b.top.size() > 1 ? repeated / static_cast<double>(b.top.size() - 1) : 0};
}
bool is_register(std::string_view name) { return name == "pitch" || name == "highest" || name == "lowest"; }

/// How two bars agree; names in kPairNames.
constexpr std::array kPairNames{"chroma", "rhythm", "same_notes", "bass", "contour", "lengths"};
std::array<double, kPairNames.size()> compare_bars(const BarView& a, const BarView& b) {
  const auto overlap = [](auto x, auto y) {
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    x.erase(std::unique(x.begin(), x.end()), x.end());
    y.erase(std::unique(y.begin(), y.end()), y.end());
    std::decay_t<decltype(x)> both;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
    const double any = static_cast<double>(x.size() + y.size() - both.size());
    return any > 0 ? static_cast<double>(both.size()) / any : 1.0;
  };
  std::vector<int> rhythm_a, rhythm_b, low_a, low_b;
  std::vector<std::pair<int, int>> notes_a, notes_b, contour_a, contour_b, lengths_a, lengths_b;
  const auto collect = [](const BarView& v, auto& rhythm, auto& notes, auto& low, auto& contour, auto& lengths) {
    for (const GridNote& n : v.notes) {
      rhythm.push_back(n.onset - v.from);
      notes.emplace_back(n.onset - v.from, n.pitch);
      lengths.emplace_back(n.onset - v.from, n.length);
    }
    for (const GridNote& n : v.low) low.push_back(n.pitch % 12);
    for (std::size_t i = 1; i < v.top.size(); ++i)
      contour.emplace_back(v.top[i].onset - v.from, v.top[i].pitch - v.top[i - 1].pitch);
  };
  collect(a, rhythm_a, notes_a, low_a, contour_a, lengths_a);
  collect(b, rhythm_b, notes_b, low_b, contour_b, lengths_b);
  return {cosine(a.sounding, b.sounding), overlap(rhythm_a, rhythm_b),   overlap(notes_a, notes_b),
          overlap(low_a, low_b),          overlap(contour_a, contour_b), overlap(lengths_a, lengths_b)};
}

double step_between(const std::vector<GridNote>& before, const std::vector<GridNote>& after) {
  if (before.empty() || after.empty()) return 0;
  return std::clamp<double>(after.front().pitch - before.back().pitch, -kFarthest, kFarthest);
}

struct Row {
  std::vector<float> values;
  std::vector<std::string>* names = nullptr;
  void put(std::string_view name, double value) {
    values.push_back(static_cast<float>(value));
    if (names) names->emplace_back(name);
  }
};

/// The moment itself: what goes over the bar line.
void put_crossing(Row& row, std::span<const GridNote> notes, const BarView& before, const BarView& after, int line) {
  const double bar = after.to - after.from;
  std::vector<GridNote> held, ending, struck, last, first;
  for (const GridNote& n : notes) {
    if (n.onset < line && n.onset + n.length > line) held.push_back(n);
    if (n.onset < line && n.onset + n.length == line) ending.push_back(n);
    if (n.onset == line) struck.push_back(n);
  }
  for (const GridNote& n : before.notes)
    if (n.onset == before.notes.back().onset) last.push_back(n);
  for (const GridNote& n : after.notes)
    if (n.onset == after.notes.front().onset) first.push_back(n);
  const double top = step_between(before.top, after.top), low = step_between(before.low, after.low);
  const double usual_top = 0.5 * (before.mean_step(before.top) + after.mean_step(after.top));
  const double usual_low = 0.5 * (before.mean_step(before.low) + after.mean_step(after.low));
  row.put("crossing.top", top);
  row.put("crossing.top_size", std::abs(top));
  row.put("crossing.top_unusual", std::abs(top) - usual_top);
  row.put("crossing.low", low);
  row.put("crossing.low_size", std::abs(low));
  row.put("crossing.low_unusual", std::abs(low) - usual_low);
  row.put("crossing.contrary", top * low < 0);
  // How far voices have to go at least: every tone of the one chord to the nearest of the other.
  const auto nearest = [](const std::vector<GridNote>& from, const std::vector<GridNote>& to) {
    double sum = 0;
    for (const GridNote& a : from) {
      int best = static_cast<int>(kFarthest);
      for (const GridNote& b : to) best = std::min(best, std::abs(a.pitch - b.pitch));
      sum += best;
    }
    return from.empty() ? 0 : sum / static_cast<double>(from.size());
  };
  row.put("crossing.voices_on", nearest(last, first));
  row.put("crossing.voices_back", nearest(first, last));
  const auto count = [](const std::vector<GridNote>& v) { return static_cast<double>(v.size()); };
  row.put("crossing.held", count(held));
  row.put("crossing.ending", count(ending));
  row.put("crossing.struck", count(struck));
  row.put("crossing.chord_change", count(first) - count(last));
  double over = 0, restruck = 0, clash = 0;
  for (const GridNote& n : held) over = std::max<double>(over, n.onset + n.length - line);
  for (const GridNote& e : ending)
    for (const GridNote& s : struck) restruck += e.pitch == s.pitch;
  for (const GridNote& h : held)
    for (const GridNote& s : struck) {
      const int apart = std::abs(h.pitch - s.pitch) % 12;
      clash += apart == 1 || apart == 11 || apart == 6;
    }
  row.put("crossing.held_over", over / bar);
  row.put("crossing.struck_again", restruck);
  row.put("crossing.clash", clash);
  row.put("crossing.pause", before.notes.empty() || after.notes.empty()
                                ? 1
                                : (after.notes.front().onset - before.notes.back().onset) / bar);
  row.put("crossing.last_length", last.empty() ? 0 : std::log1p(last.back().length));
  row.put("crossing.first_length", first.empty() ? 0 : std::log1p(first.back().length));
  row.put("crossing.foreign_after", foreign(after.sounding, before.sounding));
  row.put("crossing.foreign_before", foreign(before.sounding, after.sounding));
  // Half bars nearest to the line: harmonies change faster than bars.
  const int half = std::max(1, static_cast<int>(bar) / 2);
  const BarView close_before(notes, line - half, line), close_after(notes, line, line + half);
  row.put("crossing.half_chroma", cosine(close_before.sounding, close_after.sounding));
  row.put("crossing.half_density", safe_log_ratio(static_cast<double>(close_after.notes.size()),
                                                  static_cast<double>(close_before.notes.size()), 1));
}

Row features(std::span<const GridNote> notes, const SeamPlace& at, std::vector<std::string>* names) {
  Row row;
  row.names = names;
  const BarView before(notes, at.line - at.bar, at.line), after(notes, at.line, at.line + at.bar);
  const BarView &inside = at.entry ? after : before, &outside = at.entry ? before : after;
  row.put("entry", at.entry);
  put_crossing(row, notes, before, after, at.line);
  const auto of_inside = describe_bar(inside), of_outside = describe_bar(outside);
  for (std::size_t k = 0; k < kBarNames.size(); ++k) {
    const std::string name = kBarNames[k];
    const double change = of_inside[k] - of_outside[k];
    row.put(name + ".change", change);
    row.put(name + ".size_of_change", std::abs(change));
    // Heights by themselves are no news: only their change is taken.
    if (!is_register(name)) row.put(name + ".inside", of_inside[k]);
  }
  const auto agreement = compare_bars(outside, inside);
  for (std::size_t k = 0; k < kPairNames.size(); ++k) row.put(std::string("agreement.") + kPairNames[k], agreement[k]);
  return row;
}

struct Vote {
  Forest extra, bagged;
  KernelMachine kernel;

  Vote(const std::vector<std::vector<float>>& rows, const std::vector<int>& labels, std::uint64_t seed) {
    const ForestExamples examples{rows, labels, 2};
    extra = Forest::fit(examples, {.trees = kTrees, .min_leaf = 2, .random_cuts = true, .seed = seed});
    bagged = Forest::fit(examples, {.trees = kTrees, .min_leaf = 2, .seed = seed + 1});
    std::vector<float> x, targets;
    for (const auto& row : rows) x.insert(x.end(), row.begin(), row.end());
    for (const int label : labels) targets.push_back(label == 1 ? 1.0F : 0.0F);
    kernel = fit_kernel_machine(rows.front().size(), x, targets, {}, {});
  }
  /// Probability of the second class.
  double operator()(const std::vector<float>& row) const {
    return (extra.probabilities(row)[1] + bagged.probabilities(row)[1] + kernel(row)[0]) / 3;
  }
};

}  // namespace

std::vector<float> seam_features(std::span<const GridNote> notes, const SeamPlace& at) {
  return features(notes, at, nullptr).values;
}

const std::vector<std::string>& seam_feature_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    features({}, {}, &out);
    return out;
  }();
  return names;
}

SeamTest tell_seams(std::span<const SeamPair> pairs, std::uint64_t seed) {
  std::map<std::string, int> fold;
  for (const SeamPair& p : pairs) fold[p.group] = 0;
  EUTERPE_ASSERT(fold.size() >= 2);
  std::vector<std::string> groups;
  for (const auto& [group, number] : fold) groups.push_back(group);
  Random random = Random::stream(seed, 0x5ea3);
  random.shuffle(groups);
  const int folds = std::min(kFolds, static_cast<int>(groups.size()));
  for (std::size_t i = 0; i < groups.size(); ++i) fold[groups[i]] = static_cast<int>(i) % folds;

  std::vector<double> right;
  std::vector<std::string> piece;
  double at_entry = 0, at_exit = 0, entries = 0;
  for (int f = 0; f < folds; ++f) {
    std::vector<std::vector<float>> rows;
    std::vector<int> labels;
    for (const SeamPair& p : pairs)
      if (fold[p.group] != f) {
        rows.insert(rows.end(), {p.real, p.other});
        labels.insert(labels.end(), {0, 1});
      }
    const Vote vote(rows, labels, seed * 1000 + static_cast<std::uint64_t>(f));
    for (const SeamPair& p : pairs) {
      if (fold[p.group] != f) continue;
      const double real = vote(p.real), other = vote(p.other);
      const auto above = [](double x) { return x > 0.5 ? 1.0 : x < 0.5 ? 0.0 : 0.5; };
      const double hits = 0.5 * (1 - above(real) + above(other));
      right.push_back(hits);
      piece.push_back(p.group);
      (p.entry ? at_entry : at_exit) += hits;
      entries += p.entry;
    }
  }
  SeamTest out;
  const double n = static_cast<double>(right.size());
  out.accuracy = std::accumulate(right.begin(), right.end(), 0.0) / n;
  out.error = grouped_error(right, piece);
  if (entries > 0) out.entry = at_entry / entries;
  if (entries < n) out.exit = at_exit / (n - entries);
  return out;
}

}  // namespace euterpe
