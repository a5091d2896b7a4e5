#pragma once
/// Fingerprints of a few whole bars with every note in them, so that what stands in a piece note for note is found
/// however few or common its notes are. Neither transposition nor tempo changes them, and they hold no note in order.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct BarPrint {
  std::uint32_t axis = 0;   ///< where its bars begin, in sixteenths
  std::uint8_t length = 0;  ///< of its bars, in sixteenths
  std::uint32_t key = 0;    ///< hash of which pitches sound how often, counted from the lowest
  std::uint8_t onsets = 0;  ///< notes that begin together count once
  std::uint8_t lowest = 0;  ///< MIDI pitch
  std::uint8_t span = 0;    ///< from the first onset to the last, in sixteenths
  /// When the notes come: mean and deviation of their onsets as shares of the span, and the covariance of these with
  /// pitch.
  std::array<std::uint8_t, 3> moments{};
  auto operator<=>(const BarPrint&) const = default;
};

inline constexpr double kPrintPerQuarter = 4;
/// What the key of a print of four bars is marked with; others are of two.
inline constexpr std::uint32_t kFourBars = 0x5BD1E995u;

struct PrintNote {
  double time = 0;  ///< quarters
  std::uint8_t pitch = 0;
};
/// All notes but drums, by time and pitch.
std::vector<PrintNote> print_notes(const Score& score);

/// What a print is made of, note by note.
class PrintSums {
 public:
  /// \param time not before that of the note before
  void add(const PrintNote& note);
  std::size_t notes() const { return notes_; }
  double first() const { return first_; }
  double last() const { return last_; }
  int lowest() const { return lowest_; }
  std::uint32_t key() const;
  /// As BarPrint::moments, not rounded.
  std::array<float, 3> moments() const;

 private:
  std::uint64_t pitches_ = 0;  ///< sum of one power for each note, modulo a prime
  std::size_t notes_ = 0;
  int lowest_ = 127;
  double first_ = 0, last_ = 0, time_ = 0, square_ = 0, pitch_ = 0, both_ = 0;
};

/// Whether notes come when those of a print do, but for what moving them to a grid changes.
bool same_moments(const std::array<float, 3>& moments, const std::array<std::uint8_t, 3>& print);

/// Distinct onsets of notes [begin, end), those less than `together` quarters after the first of them taken as one.
std::size_t count_onsets(const std::vector<PrintNote>& notes, std::size_t begin, std::size_t end, double together);

/// Whether notes [begin, end) have at least four different pitches: a tremolo or a repeated chord is nobody's.
bool are_varied(const std::vector<PrintNote>& notes, std::size_t begin, std::size_t end);

/// Onsets that a passage must have to be told from others if that many bars of it agree in every note: two bars
/// twelve, three bars eight, four bars six. More than any has for less than two.
std::size_t print_onsets_needed(double bars);

/// Prints of two bars, and of four where those two by two would not speak for them by print_onsets_needed(): every four
/// bars with six onsets are spoken for. Where music is so dense that two bars suffice, every other print is left out.
/// Sorted; `axis` counts from the beginning of the score.
std::vector<BarPrint> bar_prints(const Score& score);

}  // namespace euterpe
