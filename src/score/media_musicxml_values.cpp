#include "score/musicxml_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace euterpe::musicxml {
namespace {

template <class T>
struct Named {
  std::string_view name;
  T value;
};

template <class T, std::size_t N>
std::optional<T> find(const Named<T> (&table)[N], std::string_view name) {
  for (const Named<T>& row : table) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t from = text.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

std::optional<double> number_in(std::string_view text, bool words) {
  const std::size_t from = words ? text.find_first_of("0123456789") : text.find_first_not_of(" \t\r\n+");
  if (from == std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data() + from, text.data() + text.size(), value);
  return error == std::errc() && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> number(pugi::xml_node node) { return number_in(node.child_value()); }

int integer(pugi::xml_node node, int otherwise, int least, int most) {
  const auto said = number(node);
  return said ? static_cast<int>(std::lround(std::clamp<double>(*said, least, most))) : otherwise;
}

std::optional<int> semitones_of_step(std::string_view letter) {
  constexpr std::string_view kLetters = "C D EF G A B";
  letter = trimmed(letter);
  const std::size_t at = letter.size() == 1 ? kLetters.find(letter) : std::string_view::npos;
  return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<int>(at));
}

std::optional<double> quarters_of_value(std::string_view type) {
  static constexpr Named<double> kValues[] = {
      {"maxima", 32},  {"long", 16},   {"breve", 8},    {"whole", 4},     {"half", 2},        {"quarter", 1},
      {"eighth", 0.5}, {"16th", 0.25}, {"32nd", 0.125}, {"64th", 0.0625}, {"128th", 0.03125}, {"256th", 0.015625}};
  return find(kValues, trimmed(type));
}

double quarters_with_dots(pugi::xml_node value, const char* dot, pugi::xml_node end) {
  const double base = quarters_of_value(value.child_value()).value_or(0);
  double length = base, added = base;
  for (auto n = value.next_sibling(); n && n != end; n = n.next_sibling()) {
    if (std::strcmp(n.name(), dot) == 0) length += added /= 2;
  }
  return length;
}

std::optional<std::pair<int, int>> meter_of(pugi::xml_node time) {
  constexpr int kMost = 255, kFinest = 64;
  double whole_notes = 0;
  int denominator = 1;
  for (auto beats = time.child("beats"); beats; beats = beats.next_sibling("beats")) {
    const int unit = integer(beats.next_sibling("beat-type"), 0, 0, kFinest + 1);
    if (unit < 1 || unit > kFinest || (unit & (unit - 1)) != 0) return std::nullopt;
    denominator = std::max(denominator, unit);
    std::string_view rest = beats.child_value();
    for (bool more = true; more;) {
      const std::size_t plus = rest.find('+');
      const double count = number_in(rest.substr(0, plus)).value_or(0);
      if (count < 1 || count > kMost) return std::nullopt;
      whole_notes += std::floor(count) / unit;
      more = plus != std::string_view::npos;
      if (more) rest.remove_prefix(plus + 1);
    }
  }
  const double numerator = whole_notes * denominator;
  if (numerator < 1 || numerator > kMost) return std::nullopt;
  return std::pair(static_cast<int>(numerator), denominator);
}

std::optional<int> velocity_of_mark(std::string_view mark) {
  // Sixteen apart around mf, as notation programs play them.
  static constexpr Named<int> kMarks[] = {{"n", 1},   {"pppp", 10}, {"ppp", 16}, {"pp", 33},   {"p", 49},    {"mp", 64},
                                          {"mf", 80}, {"f", 96},    {"ff", 112}, {"fff", 126}, {"ffff", 127}};
  return find(kMarks, mark);
}

std::optional<Accent> accent_of_mark(std::string_view mark) {
  static constexpr Named<Accent> kAccents[] = {
      {"sf", {112, ""}},  {"sfz", {112, ""}}, {"sffz", {126, ""}}, {"fz", {112, ""}},     {"rf", {112, ""}},
      {"rfz", {112, ""}}, {"fp", {96, "p"}},  {"sfp", {112, "p"}}, {"sfpp", {112, "pp"}}, {"pf", {49, "f"}}};
  return find(kAccents, mark);
}

int velocity_of_per_cent(double per_cent) {
  constexpr double kForte = 90, kMost = 1000;
  return std::clamp(static_cast<int>(std::lround(std::clamp(per_cent, 0.0, kMost) * kForte / 100)), 1, 127);
}

std::vector<int> passes_in(std::string_view text) {
  constexpr int kMost = 99;
  std::vector<int> out;
  int value = 0, from = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c >= '0' && c <= '9') {
      value = std::min(kMost, value * 10 + (c - '0'));
    } else if (c == '-') {
      from = value;
      value = 0;
    } else if (value > 0) {
      for (int pass = from > 0 ? std::min(from, value) : value; pass <= value; ++pass) out.push_back(pass);
      value = from = 0;
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace euterpe::musicxml
