#pragma once
/// What may come next in a REMI sequence: every sequence sampled under this mask decodes to a valid score.
#include <array>
#include <span>

#include "score/remi_vocabulary.hpp"

namespace euterpe {

/// Follows a sequence token by token. Rules beyond the syntax: controls ascend in the order of their kinds, positions
/// ascend within a bar, parts ascend within a position, pitches ascend within a part at one position, only declared
/// parts play, no pitch begins while it still sounds in the same part (a MIDI file could not say which of the two ends
/// first), a bar's second chord is another than its first. Marks (score/remi_passages.hpp) open a section of whole
/// bars; what is written after Middle goes on from where the first mark stood.
class RemiGrammar {
 public:
  /// True if `token` may come next.
  bool allows(Token token) const;
  /// allowed[i] = 1 if token i may come next; `allowed` has RemiVocabulary::size() entries.
  void mask(std::span<std::uint8_t> allowed) const;
  /// Takes the token; it must be allowed.
  void push(Token token);

  int bars() const { return place_.bars; }          ///< Bar tokens so far, in this section
  int position() const { return place_.position; }  ///< grid step within the bar, −1 before its first Position
  int part() const { return place_.part; }          ///< the running part, −1 before its first Part
  bool in_header() const { return header_; }
  /// True where a piece may be cut: nothing is half said (a Bar or Eos may come next).
  bool at_boundary() const;
  int meter() const { return place_.meter; }                   ///< index into remi_meters() of the current bar
  std::int64_t bar_start() const { return place_.bar_start; }  ///< grid steps from where the section began
  /// Whether a declared part from `first_part` on has a pitch that does not sound at `position` of the running bar.
  bool any_is_free(int position, int first_part = 0) const;
  int program(int part) const { return programs_[static_cast<std::size_t>(part)]; }  ///< −1 if not declared

 private:
  // A Position, a Part and a Velocity must not lead where every pitch sounds already.
  bool higher_pitch_is_free() const;  ///< in the running part
  bool is_free(int part, int lowest, int position) const;
  bool sounds(int part, int pitch, int position) const {
    return place_.sounding_until[static_cast<std::size_t>(part)][static_cast<std::size_t>(pitch)] >
           place_.bar_start + position;
  }

  struct Place {
    int bars = 0, meter = 0, position = -1;
    int part = -1, note_part = -1, note_pitch = -1;  // running part; part and pitch of the last note at this position
    int chords = 0, chord = -1;                      // said in this bar, and the last of them
    std::int64_t bar_start = 0;
    std::array<std::array<std::int64_t, 128>, kMaxParts> sounding_until{};  // grid steps from the beginning
  };
  TokenKind last_ = TokenKind::pad;
  int last_value_ = 0;
  bool header_ = true;
  int mark_ = -1;
  Place place_, before_mark_;
  std::array<int, kMaxParts> programs_{filled(-1)};

  static constexpr std::array<int, kMaxParts> filled(int v) {
    std::array<int, kMaxParts> a{};
    for (int& x : a) x = v;
    return a;
  }
};

}  // namespace euterpe
