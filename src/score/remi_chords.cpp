#include "score/remi_chords.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.hpp"
#include "score/harmony.hpp"
#include "score/note_name.hpp"

namespace euterpe {
namespace {

constexpr int kNoChord = kChordTokens - 1;

struct Suffix {
  std::string_view text;
  ChordQuality quality;
};
constexpr std::array<Suffix, 47> kSuffixes{{
    {"", ChordQuality::major},
    {"M", ChordQuality::major},
    {"maj", ChordQuality::major},
    {"5", ChordQuality::major},
    {"m", ChordQuality::minor},
    {"min", ChordQuality::minor},
    {"-", ChordQuality::minor},
    {"dim", ChordQuality::diminished},
    {"o", ChordQuality::diminished},
    {"°", ChordQuality::diminished},
    {"aug", ChordQuality::augmented},
    {"+", ChordQuality::augmented},
    {"sus2", ChordQuality::sus2},
    {"sus4", ChordQuality::sus4},
    {"sus", ChordQuality::sus4},
    {"maj7", ChordQuality::major7},
    {"M7", ChordQuality::major7},
    {"Maj7", ChordQuality::major7},
    {"maj9", ChordQuality::major7},
    {"m7", ChordQuality::minor7},
    {"min7", ChordQuality::minor7},
    {"-7", ChordQuality::minor7},
    {"m9", ChordQuality::minor7},
    {"m11", ChordQuality::minor7},
    {"7", ChordQuality::dominant7},
    {"9", ChordQuality::dominant7},
    {"11", ChordQuality::dominant7},
    {"13", ChordQuality::dominant7},
    {"7sus4", ChordQuality::sus4},
    {"m7b5", ChordQuality::half_diminished7},
    {"min7b5", ChordQuality::half_diminished7},
    {"ø", ChordQuality::half_diminished7},
    {"ø7", ChordQuality::half_diminished7},
    {"hdim7", ChordQuality::half_diminished7},
    {"dim7", ChordQuality::diminished7},
    {"o7", ChordQuality::diminished7},
    {"°7", ChordQuality::diminished7},
    {"mM7", ChordQuality::minor_major7},
    {"mmaj7", ChordQuality::minor_major7},
    {"minmaj7", ChordQuality::minor_major7},
    {"6", ChordQuality::major6},
    {"maj6", ChordQuality::major6},
    {"m6", ChordQuality::minor6},
    {"min6", ChordQuality::minor6},
    {"add9", ChordQuality::major},
    {"2", ChordQuality::sus2},
    {"4", ChordQuality::sus4},
}};

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> out;
  for (std::size_t from = 0;;) {
    const auto to = text.find_first_of(at, from);
    out.push_back(text.substr(from, to - from));
    if (to == std::string_view::npos) return out;
    from = to + 1;
  }
}

}  // namespace

int chord_value(const Chord& chord) {
  const int quality = static_cast<int>(chord.quality);
  return chord.root < 0 || quality >= kChordTokenQualities ? kNoChord : quality * 12 + chord.root;
}

Chord chord_of_value(int value) {
  if (value == kNoChord) return {};
  return {value % 12, static_cast<ChordQuality>(value / 12), 0};
}

std::vector<BarChords> bar_chords(const Score& score) {
  struct Span {
    std::int64_t from, to;
    Chord chord;
  };
  std::vector<Span> spans;
  for (const ChordSegment& s : estimate_chords(score))
    spans.push_back({score.tick_at(Seconds(s.start)).value, score.tick_at(Seconds(s.end)).value, s.chord});
  std::size_t first = 0;
  auto longest = [&](std::int64_t from, std::int64_t to) {
    while (first < spans.size() && spans[first].to <= from) ++first;
    std::int64_t most = 0;
    int value = kNoChord;
    for (std::size_t i = first; i < spans.size() && spans[i].from < to; ++i) {
      const std::int64_t overlap = std::min(to, spans[i].to) - std::max(from, spans[i].from);
      if (overlap > most) most = overlap, value = chord_value(spans[i].chord);
    }
    return chord_of_value(value);
  };
  std::vector<BarChords> out;
  const auto lines = score.bar_lines();
  for (std::size_t bar = 0; bar + 1 < lines.size(); ++bar) {
    const std::int64_t length = lines[bar + 1] - lines[bar];
    const int beats = score.meter_at(lines[bar]).numerator;
    const std::int64_t middle = lines[bar] + length * ((beats + 1) / 2) / beats;
    BarChords chords{longest(lines[bar], middle)};
    if (middle < lines[bar + 1]) {
      const Chord second = longest(middle, lines[bar + 1]);
      if (second != chords.front()) chords.push_back(second);
    }
    out.push_back(std::move(chords));
  }
  return out;
}

std::optional<Chord> parse_chord_symbol(std::string_view word) {
  if (word == "N" || word == "NC" || word == "N.C.") return Chord{};
  if (word.find(':') != std::string_view::npos) {
    auto chord = parse_chord(word);
    if (!chord || chord->quality == ChordQuality::other) return std::nullopt;
    chord->bass = 0;
    return chord;
  }
  const auto root = take_note_name(word);
  if (!root) return std::nullopt;
  Chord chord{(*root + 12) % 12, ChordQuality::major, 0};
  word = word.substr(0, word.find('/'));
  for (const Suffix& s : kSuffixes)
    if (s.text == word) {
      chord.quality = s.quality;
      return chord;
    }
  return std::nullopt;
}

std::vector<BarChords> parse_bar_chords(std::string_view text) {
  std::vector<BarChords> out;
  auto bars = split(text, "|");
  // "| C | F |" and "C | F" are the same.
  const auto blank = [](std::string_view s) { return s.find_first_not_of(" \t") == std::string_view::npos; };
  if (bars.size() > 1 && blank(bars.front())) bars.erase(bars.begin());
  if (bars.size() > 1 && blank(bars.back())) bars.pop_back();
  for (const std::string_view bar : bars) {
    BarChords chords;
    for (const std::string_view word : split(bar, " \t,")) {
      if (word.empty()) continue;
      if (word == "%" && chords.empty() && !out.empty()) {
        chords = out.back();
        continue;
      }
      const auto chord = parse_chord_symbol(word);
      if (!chord)
        throw Error(Category::usage, "chords",
                    fmt::format("bar {}: \"{}\" is no chord that is known", out.size() + 1, word),
                    "for example C, Am, F#m7, Bbmaj7, G7, Bdim, Dsus4, N (none)");
      chords.push_back(*chord);
    }
    if (chords.empty() || chords.size() > 2)
      throw Error(Category::usage, "chords",
                  fmt::format("bar {} has {} chords, one or two can be said", out.size() + 1, chords.size()),
                  "for example \"C | Am F | G7 | C\"");
    if (chords.size() == 2 && chords[0] == chords[1]) chords.pop_back();
    out.push_back(std::move(chords));
  }
  return out;
}

}  // namespace euterpe
