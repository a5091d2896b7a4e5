#pragma once
/// What is asked of a piece before it begins: control tokens, and how they are measured on music that is there.
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "score/key.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {

inline constexpr int kEmotions = 4;           ///< Russell's quadrants Q1 … Q4
inline constexpr int kDensityClasses = 16;    ///< half octaves of notes a bar, from 1
inline constexpr int kHeightClasses = 16;     ///< thirds of an octave of the mean pitch, from E1
inline constexpr int kPolyphonyClasses = 12;  ///< halves of the mean number of notes sounding, from 1

/// A value or nothing for each kind of control, as tokens say it.
class RemiControls {
 public:
  std::optional<int> get(TokenKind kind) const {
    const int v = values_[index(kind)];
    return v < 0 ? std::nullopt : std::optional(v);
  }
  void set(TokenKind kind, int value) { values_[index(kind)] = value; }
  void clear(TokenKind kind) { values_[index(kind)] = -1; }
  /// The tokens of those that are set, in the order in which they stand before a piece.
  std::vector<Token> tokens() const;

 private:
  static constexpr std::size_t kKinds =
      static_cast<std::size_t>(kLastControl) - static_cast<std::size_t>(kFirstControl) + 1;
  static std::size_t index(TokenKind kind) {
    return static_cast<std::size_t>(kind) - static_cast<std::size_t>(kFirstControl);
  }
  static constexpr std::array<int, kKinds> none() {
    std::array<int, kKinds> a{};
    for (int& v : a) v = -1;
    return a;
  }
  std::array<int, kKinds> values_ = none();
};

/// The controls that stand before the first Part of a sequence.
RemiControls read_controls(std::span<const Token> tokens);

/// Density, height and polyphony of the bars of a passage, set in `controls`; `tokens` begin with the header, which
/// tells drums from the rest. Drums count for density alone; without a bar or note nothing is set.
void measure_controls(std::span<const Token> tokens, RemiControls& controls);

/// Value of the Key token: the tonic, and 12 more for minor.
int key_value(const KeyEstimate& key);
KeyEstimate key_of_value(int value);

int density_class(double notes_per_bar);  ///< nearest class, clamped
int height_class(double mean_pitch);
int polyphony_class(double sounding);

}  // namespace euterpe
