#include "score/note_ngrams.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <span>
#include <tuple>

namespace euterpe {
namespace {

constexpr int kTwelfths = 12;                 // of a quarter: duplets and triplets both fall on it
constexpr std::int64_t kLastOnset = 1 << 28;  // keeps sums of onset and length inside int

struct Sound {
  int onset, pitch, length;
};

/// What kind of pattern a token is: the first number that goes into its hash.
enum Kind : int {
  kSteps,
  kGaps,
  kBoth,
  kBeginning,
  kBeginningSize,
  kBeginningClasses,
  kSounding,
  kChange,
  kPlace,
  kPlaceAndLength,
  kGapsOfOnsets,
  kSizes,
  kOuter,
  kPlaceAndStep,
  kRegister,
  kLength
};

class Counts {
 public:
  void add(Kind kind, std::span<const int> rest) {
    std::uint64_t hash = 1469598103934665603ull;  // FNV-1a, 64 bits (Fowler, Noll and Vo), a number at a time
    const auto mix = [&](int value) {
      hash ^= static_cast<std::uint32_t>(value);
      hash *= 1099511628211ull;
      hash ^= hash >> 29;
    };
    mix(kind);
    for (const int value : rest) mix(value);
    hash *= 0x9E3779B97F4A7C15ull;
    counts_[static_cast<std::uint32_t>(hash >> 50)] += 1;
  }
  void add(Kind kind, std::initializer_list<int> rest) { add(kind, std::span(rest.begin(), rest.size())); }
  SparseVector sparse() const {
    SparseVector v;
    for (std::uint32_t i = 0; i < kNoteNgrams; ++i)
      if (counts_[i] > 0) {
        v.index.push_back(i);
        v.value.push_back(counts_[i]);
      }
    return v;
  }

 private:
  static_assert(kNoteNgrams == 1u << (64 - 50));
  std::vector<float> counts_ = std::vector<float>(kNoteNgrams, 0.0f);
};

/// Lengths in twelfths of a quarter fall into twelve classes, about two to the octave.
int length_class(int twelfths) {
  static constexpr std::array<int, 11> kLimits{2, 3, 4, 6, 8, 11, 15, 21, 29, 41, 61};
  return static_cast<int>(std::upper_bound(kLimits.begin(), kLimits.end(), twelfths) - kLimits.begin());
}

std::vector<Sound> sounds(const Score& score) {
  std::vector<Sound> all;
  const auto grid = [&](std::int64_t ticks) {
    const double t = std::floor(static_cast<double>(ticks) * kTwelfths / score.ticks_per_quarter + 0.5);
    return static_cast<int>(std::clamp(t, 0.0, static_cast<double>(kLastOnset)));
  };
  for (const Note& note : score.merged_notes())
    all.push_back({grid(note.start), note.pitch, std::max(1, grid(note.duration))});
  std::sort(all.begin(), all.end(), [](const Sound& a, const Sound& b) {
    return std::tuple(a.onset, a.pitch, -a.length) < std::tuple(b.onset, b.pitch, -b.length);
  });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const Sound& a, const Sound& b) { return a.onset == b.onset && a.pitch == b.pitch; }),
            all.end());
  if (all.size() > kNgramNotes) all.resize(kNgramNotes);
  return all;
}

using Group = std::span<const Sound>;

/// At each onset the highest (or lowest) note, left out while a higher (lower) one still sounds.
std::vector<Sound> line(std::span<const Group> groups, bool upper) {
  std::vector<Sound> voice;
  for (const Group& group : groups) {
    const Sound& next = upper ? group.back() : group.front();
    if (!voice.empty() && next.onset < voice.back().onset + voice.back().length - 1 &&
        (upper ? next.pitch < voice.back().pitch : next.pitch > voice.back().pitch))
      continue;
    voice.push_back(next);
  }
  return voice;
}

void count_line(Counts& out, int voice, std::span<const Sound> notes) {
  std::vector<int> steps, gaps;
  for (std::size_t i = 1; i < notes.size(); ++i) {
    steps.push_back(std::clamp(notes[i].pitch - notes[i - 1].pitch, -15, 15));
    gaps.push_back(length_class(notes[i].onset - notes[i - 1].onset));
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::vector<int> a{voice}, b{voice}, both{voice};
    for (std::size_t k = i; k < std::min(i + 4, steps.size()); ++k) {
      a.push_back(steps[k]);
      b.push_back(gaps[k]);
      both.push_back(steps[k]);
      both.push_back(gaps[k]);
      out.add(kSteps, a);
      out.add(kGaps, b);
      if (k < i + 3) out.add(kBoth, both);
    }
  }
}

/// Pitch classes as bits, counted from the lowest pitch.
int classes_over(int lowest, std::span<const Sound> notes) {
  int bits = 0;
  for (const Sound& note : notes) bits |= 1 << ((note.pitch - lowest) % 12);
  return bits;
}

void count_harmony(Counts& out, std::span<const Group> groups) {
  std::vector<Sound> sounding;
  int bass_before = 0, chord_before = -1;
  for (const Group& group : groups) {
    const int now = group.front().onset;
    std::erase_if(sounding, [&](const Sound& s) { return s.onset + s.length <= now; });
    sounding.insert(sounding.end(), group.begin(), group.end());
    int bass = 127;
    for (const Sound& s : sounding) bass = std::min(bass, s.pitch);
    const int chord = classes_over(bass, sounding);
    out.add(kSounding, {chord});
    if (chord_before >= 0) out.add(kChange, {chord_before, (bass - bass_before + 120) % 12, chord});
    bass_before = bass;
    chord_before = chord;

    std::vector<int> shape;
    for (const Sound& s : group) shape.push_back(s.pitch - group.front().pitch);
    out.add(kBeginning, shape);
    out.add(kBeginningClasses, {classes_over(group.front().pitch, group)});
    out.add(kBeginningSize, {static_cast<int>(group.size())});
    out.add(kPlace, {now % kTwelfths});
    out.add(kPlaceAndLength, {now % kTwelfths, length_class(group.back().length)});
  }
}

void count_onsets(Counts& out, std::span<const Group> groups) {
  const auto gap = [&](std::size_t i) { return length_class(groups[i + 1].front().onset - groups[i].front().onset); };
  const auto size = [&](std::size_t i) { return static_cast<int>(groups[std::min(i, groups.size() - 1)].size()); };
  for (std::size_t i = 0; i + 2 < groups.size(); ++i) {
    const int top = std::clamp(groups[i + 1].back().pitch - groups[i].back().pitch, -12, 12);
    const int bottom = std::clamp(groups[i + 1].front().pitch - groups[i].front().pitch, -12, 12);
    const int third = i + 3 < groups.size() ? gap(i + 2) : -1;
    out.add(kGapsOfOnsets, {gap(i), gap(i + 1), third});
    out.add(kSizes, {size(i), size(i + 1), size(i + 2), size(i + 3)});
    out.add(kOuter, {top, bottom});
    out.add(kPlaceAndStep, {groups[i].front().onset % kTwelfths, top, gap(i)});
  }
}

}  // namespace

SparseVector note_ngrams(const Score& score) {
  const std::vector<Sound> notes = sounds(score);
  if (notes.size() < 4) return {};
  std::vector<Group> groups;
  for (std::size_t begin = 0; begin < notes.size();) {
    std::size_t end = begin;
    while (end < notes.size() && notes[end].onset == notes[begin].onset) ++end;
    groups.push_back(std::span(notes).subspan(begin, end - begin));
    begin = end;
  }
  Counts counts;
  count_line(counts, 0, line(groups, true));
  count_line(counts, 1, line(groups, false));
  count_harmony(counts, groups);
  count_onsets(counts, groups);
  for (const Sound& note : notes) {
    counts.add(kRegister, {note.pitch / 3});
    counts.add(kLength, {length_class(note.length)});
  }
  return counts.sparse();
}

}  // namespace euterpe
