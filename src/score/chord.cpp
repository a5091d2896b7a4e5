#include "score/chord.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace euterpe {
namespace {

/// Intervals above the root that sound, bit i = i semitones.
using Intervals = std::uint16_t;

constexpr Intervals bits(std::initializer_list<int> semitones) {
  Intervals out = 0;
  for (const int s : semitones) out = static_cast<Intervals>(out | 1u << s);
  return out;
}

struct Quality {
  std::string_view shorthand;
  Intervals intervals;
};

/// In the order of ChordQuality. A chord of no known quality is written as its root alone.
constexpr std::array<Quality, 15> kQualities{{
    {"maj", bits({0, 4, 7})},
    {"min", bits({0, 3, 7})},
    {"dim", bits({0, 3, 6})},
    {"aug", bits({0, 4, 8})},
    {"sus2", bits({0, 2, 7})},
    {"sus4", bits({0, 5, 7})},
    {"maj7", bits({0, 4, 7, 11})},
    {"min7", bits({0, 3, 7, 10})},
    {"7", bits({0, 4, 7, 10})},
    {"hdim7", bits({0, 3, 6, 10})},
    {"dim7", bits({0, 3, 6, 9})},
    {"minmaj7", bits({0, 3, 7, 11})},
    {"maj6", bits({0, 4, 7, 9})},
    {"min6", bits({0, 3, 7, 9})},
    {"(1)", bits({0})},
}};

struct Shorthand {
  std::string_view name;
  Intervals intervals;
};

/// Shorthands beyond those of kQualities: what they add above the octave does not tell them from the seventh chord.
constexpr std::array<Shorthand, 12> kExtended{{
    {"1", bits({0})},
    {"5", bits({0, 7})},
    {"aug7", bits({0, 4, 8, 10})},
    {"9", bits({0, 4, 7, 10})},
    {"maj9", bits({0, 4, 7, 11})},
    {"min9", bits({0, 3, 7, 10})},
    {"11", bits({0, 4, 7, 10})},
    {"maj11", bits({0, 4, 7, 11})},
    {"min11", bits({0, 3, 7, 10})},
    {"13", bits({0, 4, 7, 10})},
    {"maj13", bits({0, 4, 7, 11})},
    {"min13", bits({0, 3, 7, 10})},
}};

constexpr Intervals kTriad = 0xFF;  ///< up to the fifth: all that the majmin comparison looks at

/// Removes leading accidentals, all of one kind, and returns their sum in semitones.
int take_accidentals(std::string_view& text) {
  int sum = 0;
  if (text.empty() || (text[0] != '#' && text[0] != 'b')) return 0;
  const char sign = text[0];
  while (!text.empty() && text[0] == sign) {
    sum += sign == '#' ? 1 : -1;
    text.remove_prefix(1);
  }
  return sum;
}

/// Semitones of a degree 1 … 13 with accidentals, not folded into the octave.
std::optional<int> degree_semitones(std::string_view text) {
  static constexpr std::array<std::string_view, 13> kDegrees = {"1", "2", "3",  "4",  "5",  "6", "7",
                                                                "8", "9", "10", "11", "12", "13"};
  static constexpr std::array<int, 13> kSemitones = {0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19, 21};
  const int offset = take_accidentals(text);
  for (std::size_t i = 0; i < kDegrees.size(); ++i)
    if (text == kDegrees[i]) return kSemitones[i] + offset;
  return std::nullopt;
}

int fold(int semitones) { return ((semitones % 12) + 12) % 12; }

std::optional<Intervals> shorthand_intervals(std::string_view name) {
  for (const Quality& q : kQualities)
    if (q.shorthand == name) return q.intervals;
  for (const Shorthand& s : kExtended)
    if (s.name == name) return s.intervals;
  return std::nullopt;
}

/// Adds "3", "b7" … and takes "*5" away; degrees beyond the octave color a chord and do not change what it is.
std::optional<Intervals> with_degrees(Intervals intervals, std::string_view list) {
  std::array<int, 12> count{};
  for (std::size_t i = 0; i < 12; ++i) count[i] = intervals >> i & 1;
  std::set<std::string_view> seen;
  for (bool more = true; more;) {
    const auto comma = list.find(',');
    std::string_view degree = list.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) list.remove_prefix(comma + 1);
    if (!seen.insert(degree).second) continue;
    const bool omitted = degree.starts_with('*');
    if (omitted) degree.remove_prefix(1);
    const auto semitones = degree_semitones(degree);
    if (!semitones) return std::nullopt;
    if (*semitones < 12) count[static_cast<std::size_t>(fold(*semitones))] += omitted ? -1 : 1;
  }
  Intervals out = 0;
  for (std::size_t i = 0; i < 12; ++i)
    if (count[i] > 0) out = static_cast<Intervals>(out | 1u << i);
  return out;
}

/// The triad decides, then the seventh or sixth; tensions are color.
ChordQuality quality_of(Intervals intervals) {
  auto has = [&](int semitones) { return (intervals >> semitones & 1) != 0; };
  switch (intervals & kTriad) {
    case bits({0, 4, 7}):
      return has(10)   ? ChordQuality::dominant7
             : has(11) ? ChordQuality::major7
             : has(9)  ? ChordQuality::major6
                       : ChordQuality::major;
    case bits({0, 3, 7}):
      return has(10)   ? ChordQuality::minor7
             : has(11) ? ChordQuality::minor_major7
             : has(9)  ? ChordQuality::minor6
                       : ChordQuality::minor;
    case bits({0, 3, 6}):
      return has(10) ? ChordQuality::half_diminished7 : has(9) ? ChordQuality::diminished7 : ChordQuality::diminished;
    case bits({0, 4}):
      return has(8) ? ChordQuality::augmented : ChordQuality::other;
    case bits({0, 2, 7}):
      return ChordQuality::sus2;
    case bits({0, 5, 7}):
      return ChordQuality::sus4;
    default:
      return ChordQuality::other;
  }
}

std::string_view bass_degree(int semitones, ChordQuality quality) {
  static constexpr std::array<std::string_view, 12> kNames = {"1",  "b2", "2",  "b3", "3",  "4",
                                                              "b5", "5",  "b6", "6",  "b7", "7"};
  if (semitones == 8 && quality == ChordQuality::augmented) return "#5";
  if (semitones == 9 && quality == ChordQuality::diminished7) return "bb7";
  return kNames[static_cast<std::size_t>(semitones)];
}

}  // namespace

std::string_view chord_shorthand(ChordQuality quality) {
  return kQualities[static_cast<std::size_t>(quality)].shorthand;
}

unsigned chord_intervals(ChordQuality quality) { return kQualities[static_cast<std::size_t>(quality)].intervals; }

std::string Chord::name() const { return name(0); }

std::string Chord::name(int fifths) const {
  if (root < 0) return "N";
  // Twelve neighbors on the line of fifths (C = 0, G = 1, F = −1) are all the roots of a key: Db … F# in C major, and
  // Eb … G# for chords with a minor third, which stand further up as the relative minor does. Cb and E# are the limits.
  constexpr int kLowest = -7, kHighest = 11;
  const bool minor_third = (chord_intervals(quality) >> 3 & 1) != 0;
  const int first = std::clamp(fifths - (minor_third ? 3 : 5), kLowest, kHighest - 11);
  const int place = first + fold(root * 7 - first);
  static constexpr std::string_view kLetters = "FCGDAEB";
  const int from_f = place + 1 + 7;  // ≥ 0 for all
  std::string out(1, kLetters[static_cast<std::size_t>(from_f % 7)]);
  if (from_f < 7) out += 'b';
  if (from_f >= 14) out += '#';
  out += ':';
  out += chord_shorthand(quality);
  if (fold(bass) != 0) {
    out += '/';
    out += bass_degree(fold(bass), quality);
  }
  return out;
}

std::optional<Chord> parse_chord(std::string_view label) {
  static constexpr std::array<int, 7> kLetters = {9, 11, 0, 2, 4, 5, 7};  // A … G
  if (label == "N") return Chord{};
  if (label.empty() || label[0] < 'A' || label[0] > 'G') return std::nullopt;
  Chord chord;
  chord.root = kLetters[static_cast<std::size_t>(label[0] - 'A')];
  label.remove_prefix(1);
  chord.root = fold(chord.root + take_accidentals(label));

  Intervals bass = bits({0});
  if (const auto slash = label.find('/'); slash != std::string_view::npos) {
    const auto semitones = degree_semitones(label.substr(slash + 1));
    if (!semitones) return std::nullopt;
    chord.bass = fold(*semitones);
    bass = static_cast<Intervals>(1u << chord.bass);
    label = label.substr(0, slash);
  }
  Intervals intervals = bits({0, 4, 7});
  if (!label.empty()) {
    if (label[0] != ':') return std::nullopt;
    label.remove_prefix(1);
    std::string_view degrees;
    if (const auto open = label.find('('); open != std::string_view::npos) {
      if (!label.ends_with(')')) return std::nullopt;
      degrees = label.substr(open + 1, label.size() - open - 2);
      if (degrees.empty()) return std::nullopt;
      label = label.substr(0, open);
    } else if (label.empty()) {
      return std::nullopt;
    }
    const auto base = label.empty() ? std::optional<Intervals>(bits({0})) : shorthand_intervals(label);
    if (!base) return std::nullopt;
    intervals = *base;
    if (!degrees.empty()) {
      const auto edited = with_degrees(intervals, degrees);
      if (!edited) return std::nullopt;
      intervals = *edited;
    }
  }
  chord.quality = quality_of(intervals);
  // A power chord over its third, say, is whole again with the bass.
  if (chord.quality == ChordQuality::other) chord.quality = quality_of(static_cast<Intervals>(intervals | bass));
  return chord;
}

int majmin_class(const Chord& chord) {
  if (chord.root < 0) return 24;
  if (chord.quality == ChordQuality::other) return -1;
  const unsigned sounding = chord_intervals(chord.quality) | 1u << fold(chord.bass);
  switch (sounding & kTriad) {
    case bits({0, 4, 7}):
      return chord.root % 12;
    case bits({0, 3, 7}):
      return 12 + chord.root % 12;
    default:
      return -1;
  }
}

}  // namespace euterpe
