#include "score/remi_grammar.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {
using V = RemiVocabulary;

bool RemiGrammar::at_boundary() const {
  switch (last_) {
    case TokenKind::bar:
    case TokenKind::left:
    case TokenKind::duration:
      return true;
    case TokenKind::tempo:
    case TokenKind::program:
      return !in_header() || last_ == TokenKind::program;
    default:
      return false;
  }
}

bool RemiGrammar::higher_pitch_is_free() const {
  for (int pitch = note_part_ == part_ ? note_pitch_ + 1 : 0; pitch < V::count(TokenKind::pitch); ++pitch)
    if (sounding_until_[static_cast<std::size_t>(part_)][static_cast<std::size_t>(pitch)] <= bar_start_ + position_)
      return true;
  return false;
}

bool RemiGrammar::allows(Token token) const {
  const TokenKind kind = V::kind(token);
  const int value = V::value(token);
  if (last_ == TokenKind::eos) return false;
  switch (kind) {
    case TokenKind::pad:
      return false;
    case TokenKind::bos:
      return last_ == TokenKind::pad;
    case TokenKind::style:
      return last_ == TokenKind::bos;
    case TokenKind::key:
      return last_ == TokenKind::style;
    case TokenKind::tempo:
      if (in_header()) return last_ == TokenKind::style || last_ == TokenKind::key;
      return last_ == TokenKind::bar || last_ == TokenKind::left;
    case TokenKind::program:
      return in_header() && last_ == TokenKind::part;
    case TokenKind::bar:
      return at_boundary();
    case TokenKind::left:
      return last_ == TokenKind::bar;
    case TokenKind::eos:
      return at_boundary() && bars_ > 0;
    case TokenKind::position:
      return at_boundary() && bars_ > 0 && value > position_ &&
             value < remi_meters()[static_cast<std::size_t>(meter_)].grid();
    case TokenKind::part:
      if (in_header())  // declared in order: the next free number
        return (last_ == TokenKind::tempo || last_ == TokenKind::style || last_ == TokenKind::key ||
                last_ == TokenKind::program) &&
               programs_[static_cast<std::size_t>(value)] < 0 &&
               (value == 0 || programs_[static_cast<std::size_t>(value - 1)] >= 0);
      if (programs_[static_cast<std::size_t>(value)] < 0 || value == part_) return false;
      return last_ == TokenKind::position || (last_ == TokenKind::duration && value > note_part_);
    case TokenKind::velocity:
      if (in_header() || part_ < 0) return false;
      return last_ == TokenKind::position || last_ == TokenKind::part ||
             (last_ == TokenKind::duration && higher_pitch_is_free());
    case TokenKind::pitch: {
      const bool place = last_ == TokenKind::position || (last_ == TokenKind::part && !in_header()) ||
                         last_ == TokenKind::velocity || last_ == TokenKind::duration;
      if (!place || part_ < 0 || position_ < 0) return false;
      if (note_part_ == part_ && value <= note_pitch_) return false;
      return sounding_until_[static_cast<std::size_t>(part_)][static_cast<std::size_t>(value)] <=
             bar_start_ + position_;
    }
    case TokenKind::duration:
      // After a full-length Duration one more may follow: they add up.
      return last_ == TokenKind::pitch || (last_ == TokenKind::duration && last_value_ == kMaxDuration - 1);
  }
  return false;
}

void RemiGrammar::mask(std::span<std::uint8_t> allowed) const {
  EUTERPE_ASSERT(static_cast<int>(allowed.size()) == V::size());
  for (std::size_t i = 0; i < allowed.size(); ++i) allowed[i] = allows(static_cast<Token>(i)) ? 1 : 0;
}

void RemiGrammar::push(Token token) {
  EUTERPE_ASSERT(allows(token));
  const TokenKind kind = V::kind(token);
  const int value = V::value(token);
  switch (kind) {
    case TokenKind::bar:
      if (bars_ > 0) bar_start_ += remi_meters()[static_cast<std::size_t>(meter_)].grid();
      meter_ = value;
      ++bars_;
      position_ = part_ = note_part_ = note_pitch_ = -1;
      break;
    case TokenKind::position:
      position_ = value;
      note_part_ = note_pitch_ = -1;
      break;
    case TokenKind::part:
      part_ = value;
      break;
    case TokenKind::program:
      programs_[static_cast<std::size_t>(part_)] = value;
      break;
    case TokenKind::pitch:
      note_part_ = part_;
      note_pitch_ = value;
      note_start_ = bar_start_ + position_;
      sounding_until_[static_cast<std::size_t>(part_)][static_cast<std::size_t>(value)] = note_start_;
      break;
    case TokenKind::duration:
      sounding_until_[static_cast<std::size_t>(part_)][static_cast<std::size_t>(note_pitch_)] += value + 1;
      break;
    default:
      break;
  }
  last_ = kind;
  last_value_ = value;
}

}  // namespace euterpe
