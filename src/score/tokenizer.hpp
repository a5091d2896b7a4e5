#pragma once
/// REMI-style tokens (Huang and Yang 2020): a piece as a sequence that a language model can learn.
///
///     Bos Style [Key] [Tempo] (Part Program)+  { Bar [Left] [Tempo] { Position { [Part] [Velocity] Pitch Duration+ }+
///     } }  Eos
///
/// Bar carries the meter. Positions count twelfths of a quarter note. Part and Velocity are running states within a bar
/// and are set anew in the next, so that a sequence may be cut at any bar line. Duration tokens in a row add up. In the
/// last eight bars Left says how many bars remain, which is how the model learns to end.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "score/key.hpp"
#include "score/score.hpp"

namespace euterpe {

using Token = std::uint16_t;

enum class TokenKind : std::uint8_t {
  pad,
  bos,
  eos,
  style,
  key,
  tempo,
  part,
  program,
  bar,
  left,
  position,
  velocity,
  pitch,
  duration
};

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
/// The styles that a Style token can say; "none" is first.
std::span<const std::string_view> remi_styles();
std::optional<int> remi_style(std::string_view name);  ///< index of a style, empty if unknown

/// The vocabulary is a row of ranges, one a kind. A token's value counts from 0 within its kind; Duration's value is
/// the length − 1 in grid steps, Velocity's is velocity / 4.
class RemiVocabulary {
 public:
  static constexpr std::string_view kName = "remi.v1";
  static int size();
  static Token token(TokenKind kind, int value = 0);
  static TokenKind kind(Token token);
  static int value(Token token);
  static int count(TokenKind kind);
  static Token first(TokenKind kind) { return token(kind, 0); }
  static std::string text(Token token);  ///< "Pitch_60", for messages and debugging
};

struct RemiOptions {
  std::string style = "none";
  bool velocities = true;          ///< false leaves Velocity out: shorter sequences, every note decoded at 80
  std::optional<KeyEstimate> key;  ///< written as a Key token if given
};

/// Throws Error{unsupported} for a meter that no Bar token can say or more than 16 parts, Error{bad_input} for a score
/// without notes; the detail names the bar. Notes are moved to the nearest grid step; a note still sounding when the
/// same pitch begins again in its part is cut there.
std::vector<Token> encode_remi(const Score& score, const RemiOptions& options = {});

/// The inverse, up to the grid: decode(encode(s)) is s with times rounded to the grid. 480 ticks to the quarter, a
/// track a part. Throws Error{bad_input} with the index of the first token that the grammar does not allow.
Score decode_remi(std::span<const Token> tokens);

/// Index of each Bar token.
std::vector<std::size_t> remi_bars(std::span<const Token> tokens);

/// Moves every pitch (drum parts stay) and the Key token by `semitones`; false, tokens untouched, if a pitch would
/// leave 0–127.
bool transpose_remi(std::span<Token> tokens, int semitones);

int tempo_step(double bpm);      ///< nearest Tempo value, clamped
double tempo_of_step(int step);  ///< bpm

}  // namespace euterpe
