#include "compose/wishes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/error.hpp"
#include "score/note_name.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {
namespace {

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

void require_wish(bool ok, const std::string& what, const std::string& hint) {
  if (!ok) throw Error(Category::usage, "compose", what, hint);
}

KeyEstimate parse_key(std::string_view text) {
  const auto fail = [&]() -> KeyEstimate {
    throw Error(Category::usage, "compose", fmt::format("\"{}\" is no key", text),
                "for example \"C major\", \"F# minor\", \"Bb\" or \"Am\"");
  };
  if (text.empty()) return fail();
  const auto first = static_cast<unsigned char>(text[0]);
  std::string capital(text);
  capital[0] = static_cast<char>(std::toupper(first));
  std::string_view rest = capital;
  const auto tonic = take_note_name(rest);
  if (!tonic) return fail();
  KeyEstimate key;
  key.tonic = (*tonic + 12) % 12;
  // A small letter alone means minor ("a"), as in German and in many catalogs.
  key.minor = std::islower(first) && text.size() <= 2;
  while (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  if (rest == "m" || rest == "min" || rest == "minor")
    key.minor = true;
  else if (rest == "M" || rest == "maj" || rest == "major")
    key.minor = false;
  else if (!rest.empty())
    return fail();
  return key;
}

StyleWish parse_style(std::string_view text, const std::vector<std::string>& styles,
                      const std::vector<std::string>& varieties) {
  if (text.empty()) return {styles.front(), {}};
  if (std::find(styles.begin(), styles.end(), text) != styles.end()) return {std::string(text), {}};
  const bool whole = text.find('/') != std::string_view::npos;
  const std::string_view style = text.substr(0, text.find('/'));
  std::vector<StyleWish> found;
  std::vector<std::string> of_style;
  for (const std::string& v : varieties) {
    const std::size_t slash = v.find('/');
    StyleWish wish{v.substr(0, slash), v.substr(slash + 1)};
    if (whole && wish.style == style) of_style.push_back(wish.variety);
    // A style's own name is never that of another's variety: "pop" is not drums/pop.
    if (whole ? v == text : wish.variety == text && !remi_style(text)) found.push_back(std::move(wish));
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1)
    throw Error(Category::usage, "compose", fmt::format("\"{}\" may be a kind of several styles", text),
                fmt::format("say which: {}/{} …", found.front().style, text));
  throw Error(Category::usage, "compose", fmt::format("this model does not write \"{}\"", text),
              of_style.empty() ? fmt::format("it writes {}", fmt::join(styles, ", "))
                               : fmt::format("of {} it knows {}", style, fmt::join(of_style, ", ")));
}

int parse_emotion(std::string_view text) {
  static constexpr std::array<std::array<std::string_view, 2>, 4> kNames{
      {{"Q1", "happy"}, {"Q2", "tense"}, {"Q3", "sad"}, {"Q4", "calm"}}};
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (text == kNames[i][0] || text == kNames[i][1]) return static_cast<int>(i);
  throw Error(Category::usage, "compose", fmt::format("\"{}\" is no emotion that is known", text),
              "Q1 or happy, Q2 or tense, Q3 or sad, Q4 or calm");
}

int parse_pitch(std::string_view text) {
  const auto fail = [&]() -> int {
    throw Error(Category::usage, "compose", fmt::format("\"{}\" is no pitch", text),
                "for example C4 (middle C), F#3, Bb5, or a MIDI number 0 to 127");
  };
  if (const auto number = whole_number(text)) return *number >= 0 && *number <= 127 ? *number : fail();
  std::string_view rest = text;
  const auto name = take_note_name(rest);
  const auto octave = whole_number(rest);
  if (!name || !octave || *octave < -1 || *octave > 9) return fail();
  const int pitch = *name + (*octave + 1) * 12;
  return pitch >= 0 && pitch <= 127 ? pitch : fail();
}

BarRange parse_bar_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = whole_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : whole_number(text.substr(dash + 1));
  if (!first || !last || *first < 1 || *last < *first)
    throw Error(Category::usage, "compose", fmt::format("\"{}\" names no bars", text), "for example 5 or 5-8");
  return {*first, *last - *first + 1};
}

}  // namespace euterpe
