#include "score/remi_controls.hpp"

#include <algorithm>
#include <cmath>

namespace euterpe {
using V = RemiVocabulary;

std::vector<Token> RemiControls::tokens() const {
  std::vector<Token> out;
  for (std::size_t i = 0; i < kKinds; ++i)
    if (values_[i] >= 0)
      out.push_back(V::token(static_cast<TokenKind>(i + static_cast<std::size_t>(kFirstControl)), values_[i]));
  return out;
}

RemiControls read_controls(std::span<const Token> tokens) {
  RemiControls out;
  for (Token t : tokens) {
    const TokenKind kind = V::kind(t);
    if (kind >= TokenKind::part) break;
    if (is_control(kind)) out.set(kind, V::value(t));
  }
  return out;
}

int key_value(const KeyEstimate& key) { return key.tonic + (key.minor ? 12 : 0); }
KeyEstimate key_of_value(int value) { return {value % 12, value >= 12}; }

int density_class(double notes_per_bar) {
  return std::clamp(static_cast<int>(std::lround(2 * std::log2(std::max(notes_per_bar, 1.0)))), 0, kDensityClasses - 1);
}
int height_class(double mean_pitch) {
  constexpr double kLowest = 28, kStep = 4;
  return std::clamp(static_cast<int>(std::lround((mean_pitch - kLowest) / kStep)), 0, kHeightClasses - 1);
}
int polyphony_class(double sounding) {
  return std::clamp(static_cast<int>(std::lround(2 * (sounding - 1))), 0, kPolyphonyClasses - 1);
}

void measure_controls(std::span<const Token> tokens, RemiControls& controls) {
  std::array<bool, kMaxParts> drums{};
  int part = 0, bars = 0, notes = 0, pitched = 0;
  double pitches = 0, lengths = 0, grid = 0;
  for (Token t : tokens) {
    const int value = V::value(t);
    switch (V::kind(t)) {
      case TokenKind::part:
        part = value;
        break;
      case TokenKind::program:
        drums[static_cast<std::size_t>(part)] = value == kDrumProgram;
        break;
      case TokenKind::bar:
        ++bars;
        grid += remi_meters()[static_cast<std::size_t>(value)].grid();
        break;
      case TokenKind::pitch:
        ++notes;
        if (drums[static_cast<std::size_t>(part)]) break;
        ++pitched;
        pitches += value;
        break;
      case TokenKind::duration:
        if (!drums[static_cast<std::size_t>(part)]) lengths += value + 1;
        break;
      default:
        break;
    }
  }
  if (bars == 0 || notes == 0) return;
  controls.set(TokenKind::density, density_class(static_cast<double>(notes) / bars));
  if (pitched == 0) return;
  controls.set(TokenKind::height, height_class(pitches / pitched));
  controls.set(TokenKind::polyphony, polyphony_class(lengths / grid));
}

}  // namespace euterpe
