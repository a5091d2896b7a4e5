#include "score/notation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// All values that a grid can write, longest first.
std::vector<NoteValue> values_of(int divisions) {
  static constexpr std::array<const char*, 8> kTypes{"breve",  "whole", "half", "quarter",
                                                     "eighth", "16th",  "32nd", "64th"};
  std::vector<NoteValue> values;
  int sixths = divisions * 8 * 6;  // of a division, so that dots and triplets are whole numbers
  for (const char* type : kTypes) {
    const bool short_enough = sixths <= divisions * 2 * 6;  // nobody writes triplets of whole notes
    if (sixths % 4 == 0) values.push_back({sixths / 4, type, true, false});
    if (sixths % 6 == 0) values.push_back({sixths / 6, type, false, false});
    if (sixths % 9 == 0 && short_enough) values.push_back({sixths / 9, type, false, true});
    if (sixths % 2 != 0) break;
    sixths /= 2;
  }
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.length > b.length; });
  return values;
}

/// Decodes one UTF-8 character at `at` and moves `at` behind it; −1 if the bytes are not UTF-8 (RFC 3629).
std::int32_t next_character(std::string_view s, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const unsigned first = byte(at);
  const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (length == 0) return -1;
  std::int32_t c = static_cast<std::int32_t>(length == 1 ? first : first & (0x7Fu >> length));
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(at + i) >> 6 != 2) return -1;
    c = c << 6 | static_cast<std::int32_t>(byte(at + i) & 0x3F);
  }
  static constexpr std::array<std::int32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (c < kLeast[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return -1;
  at += length;
  return c;
}

void append_utf8(std::string& out, std::int32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
            static_cast<char>(0x80 | (c & 0x3F))};
  } else {
    out += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
            static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  }
}

}  // namespace

std::vector<NoteValue> split_into_values(int position, int length, int divisions, int beat) {
  EUTERPE_ASSERT(length >= 0 && divisions > 0 && beat > 0);
  const std::vector<NoteValue> values = values_of(divisions);
  const auto longest = [&](int limit) {
    return *std::find_if(values.begin(), values.end(), [&](const NoteValue& v) { return v.length <= limit; });
  };
  EUTERPE_ASSERT(values.back().length == 1);
  std::vector<NoteValue> out;
  while (length > 0) {
    NoteValue value = longest(length);
    // Off the beat a note that needs a tie is cut at the next beat.
    const int off = position % beat;
    if (value.length != length && off != 0) value = longest(std::min(length, beat - off));
    out.push_back(value);
    position += value.length;
    length -= value.length;
  }
  return out;
}

SpelledPitch spell(int pitch, int fifths) {
  // Positions on the line of fifths, C = 0: a pitch class recurs every twelve, a letter every seven.
  int position = pitch % 12 * 7;
  while (position > fifths + 8) position -= 12;
  while (position < fifths - 3) position += 12;
  if (pitch == 12 && position == 12) position = 0;  // B# would stand in octave −1, where C is in octave 0
  static constexpr std::string_view kLetters = "FCGDAEB";
  const int letter = ((position + 1) % 7 + 7) % 7;
  const int alter = (position + 1 - letter) / 7;
  const int natural = pitch - alter;
  const int octave = (natural + 12) / 12 - 2;  // + 12: the natural below pitch 0 is negative
  return {kLetters[static_cast<std::size_t>(letter)], alter, std::max(0, octave)};
}

PercussionPlace percussion_place(int key) {
  struct Row {
    int key;
    char step;
    int octave;
    bool cross;
    const char* name;
  };
  static constexpr Row kRows[] = {
      {35, 'E', 4, false, "Acoustic Bass Drum"},
      {36, 'F', 4, false, "Bass Drum"},
      {37, 'C', 5, true, "Side Stick"},
      {38, 'C', 5, false, "Snare"},
      {39, 'C', 5, true, "Hand Clap"},
      {40, 'C', 5, false, "Electric Snare"},
      {41, 'G', 4, false, "Low Floor Tom"},
      {42, 'G', 5, true, "Closed Hi-Hat"},
      {43, 'A', 4, false, "High Floor Tom"},
      {44, 'D', 4, true, "Pedal Hi-Hat"},
      {45, 'B', 4, false, "Low Tom"},
      {46, 'G', 5, true, "Open Hi-Hat"},
      {47, 'D', 5, false, "Low-Mid Tom"},
      {48, 'D', 5, false, "Hi-Mid Tom"},
      {49, 'A', 5, true, "Crash Cymbal"},
      {50, 'E', 5, false, "High Tom"},
      {51, 'F', 5, true, "Ride Cymbal"},
      {52, 'B', 5, true, "Chinese Cymbal"},
      {53, 'F', 5, true, "Ride Bell"},
      {54, 'B', 4, true, "Tambourine"},
      {55, 'B', 5, true, "Splash Cymbal"},
      {56, 'E', 5, true, "Cowbell"},
      {57, 'A', 5, true, "Crash Cymbal 2"},
      {59, 'F', 5, true, "Ride Cymbal 2"},
  };
  for (const Row& row : kRows) {
    if (row.key == key) return {row.step, row.octave, row.cross, row.name};
  }
  return {'E', 5, false, fmt::format("Percussion {}", key)};
}

std::string_view program_family(int program) {
  static constexpr std::array<std::string_view, 16> kFamilies{"Piano",         "Chromatic Percussion",
                                                              "Organ",         "Guitar",
                                                              "Bass",          "Strings",
                                                              "Ensemble",      "Brass",
                                                              "Reed",          "Pipe",
                                                              "Lead",          "Synth Pad",
                                                              "Synth Effects", "World Instrument",
                                                              "Percussive",    "Sound Effects"};
  EUTERPE_ASSERT(program >= 0 && program < 128);
  return kFamilies[static_cast<std::size_t>(program / 8)];
}

std::string xml_text(std::string_view bytes) {
  bool utf8 = true;
  for (std::size_t at = 0; at < bytes.size() && utf8;) utf8 = next_character(bytes, at) >= 0;
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::int32_t c = utf8 ? next_character(bytes, at) : static_cast<unsigned char>(bytes[at++]);
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 (production 2) holds no control characters but tab and line ends; a name needs none of them.
        if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xFFFE || c == 0xFFFF) continue;
        append_utf8(out, c);
    }
  }
  return out;
}

}  // namespace euterpe
