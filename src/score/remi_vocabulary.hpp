#pragma once
/// The words of REMI-style sequences (Huang and Yang 2020), and what they can say.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

using Token = std::uint16_t;

/// From style to polyphony: controls, which stand before the piece in this order, each at most once.
enum class TokenKind : std::uint8_t {
  pad,
  bos,
  eos,
  style,
  variety,
  emotion,
  key,
  meter,
  tempo,
  density,
  height,
  polyphony,
  part,
  program,
  mark,
  bar,
  left,
  chord,
  position,
  velocity,
  pitch,
  duration
};
inline constexpr TokenKind kFirstControl = TokenKind::style, kLastControl = TokenKind::polyphony;
constexpr bool is_control(TokenKind kind) { return kind >= kFirstControl && kind <= kLastControl; }

/// Values of a mark: what is given ahead of what is to be written (score/remi_passages.hpp).
enum class Mark : std::uint8_t { suffix, melody, middle };

inline constexpr int kGridPerQuarter = 12;
inline constexpr int kGridPerWhole = 4 * kGridPerQuarter;
inline constexpr int kMaxParts = 16;
inline constexpr int kDrumProgram = 128;  ///< the value of a Program token that means General MIDI percussion
inline constexpr int kLeftBars = 8;       ///< Left counts 0 … 7 further bars
inline constexpr int kMaxDuration = 96;   ///< grid steps one Duration token can say
inline constexpr int kTempoSteps = 73;    ///< 30 bpm · 2^(v/24): steps of 2.9 %, up to 240 bpm

struct MeterChoice {
  std::uint8_t numerator, denominator;
  constexpr int grid() const { return numerator * kGridPerWhole / denominator; }  ///< bar length in grid steps
};
/// The meters that a Bar token can say.
std::span<const MeterChoice> remi_meters();
std::optional<int> remi_meter(std::string_view name);  ///< index of "3/4", empty if unknown

/// The styles that a Style token can say; "none" is first.
std::span<const std::string_view> remi_styles();
std::optional<int> remi_style(std::string_view name);  ///< index of a style, empty if unknown

/// A kind within a style: folk/jig, classical/bach, drums/funk.
struct StyleVariety {
  std::string_view style, name;
};
std::span<const StyleVariety> remi_varieties();
std::optional<int> remi_variety(std::string_view style, std::string_view name);

/// The vocabulary is a row of ranges, one a kind. A token's value counts from 0 within its kind; Duration's value is
/// the length − 1 in grid steps, Velocity's is velocity / 4, Chord's is quality · 12 + root, the last one no chord.
class RemiVocabulary {
 public:
  static constexpr std::string_view kName = "remi.v2";
  static int size();
  static Token token(TokenKind kind, int value = 0);
  static TokenKind kind(Token token);
  static int value(Token token);
  static int count(TokenKind kind);
  static Token first(TokenKind kind) { return token(kind, 0); }
  static std::string text(Token token);  ///< "Pitch_60", for messages and debugging
};

/// What the tokens of an older vocabulary are called in this one: entry i is the Token that a model of that vocabulary
/// numbers i. Empty for a name that this program does not know.
std::vector<Token> tokens_of_vocabulary(std::string_view name);

int tempo_step(double bpm);      ///< nearest Tempo value, clamped
double tempo_of_step(int step);  ///< bpm

}  // namespace euterpe
