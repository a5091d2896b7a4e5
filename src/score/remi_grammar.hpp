#pragma once
/// What may come next in a REMI sequence: every sequence sampled under this mask decodes to a valid score.
#include <array>
#include <span>
#include <vector>

#include "score/tokenizer.hpp"

namespace euterpe {

/// Follows a sequence token by token. Rules beyond the syntax: positions ascend within a bar, parts ascend within a
/// position, pitches ascend within a part at one position, only declared parts play, no pitch begins while it still
/// sounds in the same part (a MIDI file could not say which of the two ends first).
class RemiGrammar {
 public:
  /// True if `token` may come next.
  bool allows(Token token) const;
  /// allowed[i] = 1 if token i may come next; `allowed` has RemiVocabulary::size() entries.
  void mask(std::span<std::uint8_t> allowed) const;
  /// Takes the token; it must be allowed.
  void push(Token token);

  int bars() const { return bars_; }          ///< Bar tokens so far
  int position() const { return position_; }  ///< grid step within the bar, −1 before its first Position
  bool in_header() const { return bars_ == 0; }
  /// True where a piece may be cut: nothing is half said (a Bar or Eos may come next).
  bool at_boundary() const;
  int meter() const { return meter_; }  ///< index into remi_meters() of the current bar

 private:
  /// Whether the running part has a pitch left to strike at this position: a Velocity must not lead nowhere.
  bool higher_pitch_is_free() const;

  TokenKind last_ = TokenKind::pad;
  int bars_ = 0, meter_ = 0, position_ = -1, last_value_ = 0;
  int part_ = -1, note_part_ = -1, note_pitch_ = -1;  // running part; part and pitch of the last note at this position
  std::int64_t bar_start_ = 0, note_start_ = 0;
  std::array<int, kMaxParts> programs_{filled(-1)};
  std::array<std::array<std::int64_t, 128>, kMaxParts> sounding_until_{};  // grid steps from the beginning

  static constexpr std::array<int, kMaxParts> filled(int v) {
    std::array<int, kMaxParts> a{};
    for (int& x : a) x = v;
    return a;
  }
};

}  // namespace euterpe
