#pragma once
/// REMI-style tokens (Huang and Yang 2020): a piece as a sequence that a language model can learn.
///
///     Bos [controls] (Part Program)+  { Bar [Left] [Tempo] [Chord [Chord]] { Position { [Part] [Velocity] Pitch
///     Duration+ }+ } }  Eos
///
/// Controls (score/remi_controls.hpp) say what the piece is like. Bar carries the meter. Chord tokens say the harmony
/// of the bar or of its halves. Positions count twelfths of a quarter note. Part and Velocity are running states within
/// a bar and are set anew in the next, so that a sequence may be cut at any bar line. Duration tokens in a row add up.
/// In the last eight bars Left says how many bars remain, which is how the model learns to end.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "score/key.hpp"
#include "score/remi_vocabulary.hpp"
#include "score/score.hpp"

namespace euterpe {

struct RemiOptions {
  std::string style = "none";
  std::string variety;             ///< of the style, empty = not said
  std::optional<int> emotion;      ///< 0 … 3 for Q1 … Q4, written if given
  std::optional<KeyEstimate> key;  ///< written as a Key token if given
  bool velocities = true;          ///< false leaves Velocity out: shorter sequences, every note decoded at 80
  int velocity_levels = 32;        ///< 32, or 8 or 16: fewer, so that a small model has less to learn
  bool chords = false;             ///< bar_chords() of the score in each bar
};

/// Throws Error{unsupported} for a meter that no Bar token can say or more than 16 parts, Error{bad_input} for a score
/// without notes; the detail names the bar. Notes are moved to the nearest grid step; a note still sounding when the
/// same pitch begins again in its part is cut there.
std::vector<Token> encode_remi(const Score& score, const RemiOptions& options = {});

/// The inverse, up to the grid: decode(encode(s)) is s with times rounded to the grid. 480 ticks to the quarter, a
/// track a part. What was rearranged (score/remi_passages.hpp) is put in order of time first. Throws Error{bad_input}
/// with the index of the first token that the grammar does not allow.
Score decode_remi(std::span<const Token> tokens);

/// Index of each Bar token.
std::vector<std::size_t> remi_bars(std::span<const Token> tokens);

/// Moves every pitch (drum parts stay), chord and the Key token by `semitones`; false, tokens untouched, if a pitch
/// would leave 0–127. A Height token stays: measure_controls() says what it is then.
bool transpose_remi(std::span<Token> tokens, int semitones);

}  // namespace euterpe
