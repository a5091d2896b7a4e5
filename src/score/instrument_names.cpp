#include "score/instrument_names.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace euterpe {

std::optional<int> program_by_name(std::string_view name) {
  struct Row {
    std::string_view word;
    int program;
  };
  // The first that occurs in the name counts, so what is part of another word stands behind it.
  static constexpr Row kRows[] = {
      {"harpsichord", 6},
      {"cembalo", 6},
      {"clavecin", 6},
      {"clavinet", 7},
      {"celesta", 8},
      {"glockenspiel", 9},
      {"vibraphone", 11},
      {"marimba", 12},
      {"xylophone", 13},
      {"electric piano", 4},
      {"accordion", 21},
      {"akkordeon", 21},
      {"harmonica", 22},
      {"organ", 19},
      {"orgel", 19},
      {"electric bass", 33},
      {"bass guitar", 33},
      {"e-bass", 33},
      {"electric guitar", 27},
      {"guitar", 24},
      {"gitarre", 24},
      {"chitarra", 24},
      {"banjo", 105},
      {"sitar", 104},
      {"timpani", 47},
      {"pauken", 47},
      {"harp", 46},
      {"harfe", 46},
      {"arpa", 46},
      {"english horn", 69},
      {"englishhorn", 69},
      {"cor anglais", 69},
      {"bassoon", 70},
      {"fagott", 70},
      {"basson", 70},
      {"clarinet", 71},
      {"klarinette", 71},
      {"oboe", 68},
      {"hautbois", 68},
      {"piccolo", 72},
      {"recorder", 74},
      {"blockfl", 74},
      {"flute", 73},
      {"flauto", 73},
      {"fl\xC3\xB6te", 73},
      {"fl\xC3\xBBte", 73},
      {"soprano sax", 64},
      {"saxophone.soprano", 64},
      {"tenor sax", 66},
      {"saxophone.tenor", 66},
      {"baritone sax", 67},
      {"saxophone.baritone", 67},
      {"sax", 65},
      {"trombone", 57},
      {"posaune", 57},
      {"trumpet", 56},
      {"trompete", 56},
      {"tromba", 56},
      {"trompette", 56},
      {"cornet", 56},
      {"tuba", 58},
      {"horn", 60},
      {"corno", 60},
      {"violoncell", 42},
      {"cello", 42},
      {"contrabass", 43},
      {"double bass", 43},
      {"double-bass", 43},
      {"kontrabass", 43},
      {"viola", 41},
      {"bratsche", 41},
      {"violin", 40},
      {"violon", 40},
      {"fiddle", 110},
      {"strings", 48},
      {"streicher", 48},
      {"choir", 52},
      {"chor", 52},
      {"voice", 52},
      {"vocal", 52},
      {"soprano", 52},
      {"alto", 52},
      {"tenor", 52},
      {"baritone", 52},
      {"piano", 0},
      {"klavier", 0},
      {"bass", 32},
  };
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const Row& row : kRows) {
    if (lower.find(row.word) != std::string::npos) return row.program;
  }
  return std::nullopt;
}

}  // namespace euterpe
