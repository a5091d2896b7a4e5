#include "score/remi_vocabulary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "score/remi_chords.hpp"
#include "score/remi_controls.hpp"

namespace euterpe {
namespace {

constexpr std::array kMeters{MeterChoice{4, 4}, MeterChoice{3, 4}, MeterChoice{2, 4}, MeterChoice{6, 8},
                             MeterChoice{2, 2}, MeterChoice{3, 8}, MeterChoice{9, 8}, MeterChoice{12, 8},
                             MeterChoice{5, 4}, MeterChoice{6, 4}, MeterChoice{7, 8}, MeterChoice{3, 2},
                             MeterChoice{4, 2}, MeterChoice{5, 8}, MeterChoice{7, 4}, MeterChoice{1, 4},
                             MeterChoice{4, 8}, MeterChoice{8, 8}, MeterChoice{1, 8}, MeterChoice{2, 8}};
constexpr std::array<std::string_view, 17> kStyles{"none",  "chorale",    "folk",  "pop",     "classical", "rock",
                                                   "jazz",  "electronic", "game",  "latin",   "funk",      "hiphop",
                                                   "march", "film",       "blues", "country", "drums"};

constexpr std::array<StyleVariety, 55> kVarieties{{
    {"folk", "ashover"},
    {"folk", "hornpipe"},
    {"folk", "jig"},
    {"folk", "morris"},
    {"folk", "playford"},
    {"folk", "reel"},
    {"folk", "slipjig"},
    {"folk", "waltz"},
    {"folk", "carol"},
    {"classical", "albeniz"},
    {"classical", "bach"},
    {"classical", "bartok"},
    {"classical", "beethoven"},
    {"classical", "brahms"},
    {"classical", "burgmuller"},
    {"classical", "buxtehude"},
    {"classical", "chopin"},
    {"classical", "clementi"},
    {"classical", "debussy"},
    {"classical", "diabelli"},
    {"classical", "grieg"},
    {"classical", "haendel"},
    {"classical", "haydn"},
    {"classical", "hummel"},
    {"classical", "liszt"},
    {"classical", "maier"},
    {"classical", "mendelssohn"},
    {"classical", "mozart"},
    {"classical", "rachmaninov"},
    {"classical", "ravel"},
    {"classical", "satie"},
    {"classical", "scarlatti"},
    {"classical", "schubert"},
    {"classical", "schumann"},
    {"classical", "shostakovich"},
    {"classical", "skriabin"},
    {"classical", "stravinsky"},
    {"classical", "vivaldi"},
    {"drums", "afrobeat"},
    {"drums", "afrocuban"},
    {"drums", "blues"},
    {"drums", "country"},
    {"drums", "dance"},
    {"drums", "funk"},
    {"drums", "gospel"},
    {"drums", "hiphop"},
    {"drums", "jazz"},
    {"drums", "latin"},
    {"drums", "middleeastern"},
    {"drums", "neworleans"},
    {"drums", "pop"},
    {"drums", "punk"},
    {"drums", "reggae"},
    {"drums", "rock"},
    {"drums", "soul"},
}};

struct Range {
  TokenKind kind;
  std::string_view name;
  int count;
};
constexpr std::array<Range, 22> kRanges{{
    {TokenKind::pad, "Pad", 1},
    {TokenKind::bos, "Bos", 1},
    {TokenKind::eos, "Eos", 1},
    {TokenKind::style, "Style", static_cast<int>(kStyles.size())},
    {TokenKind::variety, "Variety", static_cast<int>(kVarieties.size())},
    {TokenKind::emotion, "Emotion", kEmotions},
    {TokenKind::key, "Key", 24},
    {TokenKind::meter, "Meter", static_cast<int>(kMeters.size())},
    {TokenKind::tempo, "Tempo", kTempoSteps},
    {TokenKind::density, "Density", kDensityClasses},
    {TokenKind::height, "Height", kHeightClasses},
    {TokenKind::polyphony, "Polyphony", kPolyphonyClasses},
    {TokenKind::part, "Part", kMaxParts},
    {TokenKind::program, "Program", 129},
    {TokenKind::mark, "Mark", 3},
    {TokenKind::bar, "Bar", static_cast<int>(kMeters.size())},
    {TokenKind::left, "Left", kLeftBars},
    {TokenKind::chord, "Chord", kChordTokens},
    {TokenKind::position, "Position", kMaxDuration},
    {TokenKind::velocity, "Velocity", 32},
    {TokenKind::pitch, "Pitch", 128},
    {TokenKind::duration, "Duration", kMaxDuration},
}};

constexpr auto kFirst = [] {
  std::array<int, kRanges.size() + 1> first{};
  for (std::size_t i = 0; i < kRanges.size(); ++i) first[i + 1] = first[i] + kRanges[i].count;
  return first;
}();
static_assert([] {
  for (std::size_t i = 0; i < kRanges.size(); ++i)
    if (kRanges[i].kind != static_cast<TokenKind>(i)) return false;
  return true;
}());

constexpr auto kKindOf = [] {
  std::array<TokenKind, kFirst.back()> kinds{};
  for (const Range& r : kRanges)
    for (int v = 0; v < r.count; ++v)
      kinds[static_cast<std::size_t>(kFirst[static_cast<std::size_t>(r.kind)] + v)] = r.kind;
  return kinds;
}();

constexpr double kSlowest = 30.0, kStepsPerOctave = 24.0;

}  // namespace

std::span<const MeterChoice> remi_meters() { return kMeters; }
std::span<const std::string_view> remi_styles() { return kStyles; }
std::span<const StyleVariety> remi_varieties() { return kVarieties; }

std::optional<int> remi_meter(std::string_view name) {
  for (std::size_t m = 0; m < kMeters.size(); ++m)
    if (fmt::format("{}/{}", kMeters[m].numerator, kMeters[m].denominator) == name) return static_cast<int>(m);
  return {};
}

std::optional<int> remi_style(std::string_view name) {
  const auto it = std::find(kStyles.begin(), kStyles.end(), name);
  if (it == kStyles.end()) return {};
  return static_cast<int>(it - kStyles.begin());
}

std::optional<int> remi_variety(std::string_view style, std::string_view name) {
  for (std::size_t i = 0; i < kVarieties.size(); ++i)
    if (kVarieties[i].style == style && kVarieties[i].name == name) return static_cast<int>(i);
  return {};
}

int RemiVocabulary::size() { return kFirst.back(); }

int RemiVocabulary::count(TokenKind kind) { return kRanges[static_cast<std::size_t>(kind)].count; }

Token RemiVocabulary::token(TokenKind kind, int value) {
  EUTERPE_ASSERT(value >= 0 && value < count(kind));
  return static_cast<Token>(kFirst[static_cast<std::size_t>(kind)] + value);
}

TokenKind RemiVocabulary::kind(Token token) {
  EUTERPE_ASSERT(token < kFirst.back());
  return kKindOf[token];
}

int RemiVocabulary::value(Token token) { return token - kFirst[static_cast<std::size_t>(kind(token))]; }

std::string RemiVocabulary::text(Token token) {
  if (token >= kFirst.back()) return fmt::format("Unknown_{}", token);
  const Range& range = kRanges[static_cast<std::size_t>(kind(token))];
  return range.count == 1 ? std::string(range.name) : fmt::format("{}_{}", range.name, value(token));
}

std::vector<Token> tokens_of_vocabulary(std::string_view name) {
  std::vector<Token> out;
  if (name == RemiVocabulary::kName)
    for (int t = 0; t < RemiVocabulary::size(); ++t) out.push_back(static_cast<Token>(t));
  return out;
}

int tempo_step(double bpm) {
  return std::clamp(static_cast<int>(std::lround(kStepsPerOctave * std::log2(bpm / kSlowest))), 0, kTempoSteps - 1);
}
double tempo_of_step(int step) { return kSlowest * std::exp2(step / kStepsPerOctave); }

}  // namespace euterpe
