#include "score/remi_grammar.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {
using V = RemiVocabulary;

bool RemiGrammar::at_boundary() const {
  switch (last_) {
    case TokenKind::bar:
    case TokenKind::left:
    case TokenKind::chord:
    case TokenKind::duration:
      return true;
    case TokenKind::tempo:
      return !header_;
    case TokenKind::program:
      return true;
    default:
      return false;
  }
}

bool RemiGrammar::higher_pitch_is_free() const {
  const int lowest = place_.note_part == place_.part ? place_.note_pitch + 1 : 0;
  return is_free(place_.part, lowest, place_.position);
}

bool RemiGrammar::is_free(int part, int lowest, int position) const {
  for (int pitch = lowest; pitch < V::count(TokenKind::pitch); ++pitch)
    if (!sounds(part, pitch, position)) return true;
  return false;
}

bool RemiGrammar::any_is_free(int position, int first_part) const {
  for (int part = first_part; part < kMaxParts; ++part)
    if (programs_[static_cast<std::size_t>(part)] >= 0 && is_free(part, 0, position)) return true;
  return false;
}

bool RemiGrammar::allows(Token token) const {
  const TokenKind kind = V::kind(token);
  const int value = V::value(token);
  const bool controls_may_come = last_ == TokenKind::bos || (header_ && is_control(last_));
  if (last_ == TokenKind::eos) return false;
  switch (kind) {
    case TokenKind::pad:
      return false;
    case TokenKind::bos:
      return last_ == TokenKind::pad;
    case TokenKind::tempo:
      if (!header_) return last_ == TokenKind::bar || last_ == TokenKind::left;
      [[fallthrough]];
    case TokenKind::style:
    case TokenKind::variety:
    case TokenKind::emotion:
    case TokenKind::key:
    case TokenKind::meter:
    case TokenKind::density:
    case TokenKind::height:
    case TokenKind::polyphony:
      return controls_may_come && kind > last_;
    case TokenKind::program:
      return header_ && last_ == TokenKind::part;
    case TokenKind::mark:
      if (value == static_cast<int>(Mark::middle))
        return (mark_ == static_cast<int>(Mark::suffix) || mark_ == static_cast<int>(Mark::melody)) &&
               place_.bars > 0 && at_boundary();
      if (mark_ >= 0) return false;
      return value == static_cast<int>(Mark::suffix) ? at_boundary() : last_ == TokenKind::program;
    case TokenKind::bar:
      return at_boundary() || last_ == TokenKind::mark;
    case TokenKind::left:
      return last_ == TokenKind::bar;
    case TokenKind::chord:
      if (last_ == TokenKind::chord) return place_.chords < 2 && value != place_.chord;
      return last_ == TokenKind::bar || last_ == TokenKind::left || (last_ == TokenKind::tempo && !header_);
    case TokenKind::eos:
      return at_boundary() && place_.bars > 0 && (mark_ < 0 || mark_ == static_cast<int>(Mark::middle));
    case TokenKind::position:
      return at_boundary() && place_.bars > 0 && value > place_.position &&
             value < remi_meters()[static_cast<std::size_t>(place_.meter)].grid() && any_is_free(value);
    case TokenKind::part:
      if (header_)  // declared in order: the next free number
        return (controls_may_come || last_ == TokenKind::program) && programs_[static_cast<std::size_t>(value)] < 0 &&
               (value == 0 || programs_[static_cast<std::size_t>(value - 1)] >= 0);
      if (programs_[static_cast<std::size_t>(value)] < 0 || value == place_.part) return false;
      return (last_ == TokenKind::position || (last_ == TokenKind::duration && value > place_.note_part)) &&
             is_free(value, 0, place_.position);
    case TokenKind::velocity:
      if (header_ || place_.part < 0) return false;
      return (last_ == TokenKind::position || last_ == TokenKind::part || last_ == TokenKind::duration) &&
             higher_pitch_is_free();
    case TokenKind::pitch: {
      const bool place = last_ == TokenKind::position || (last_ == TokenKind::part && !header_) ||
                         last_ == TokenKind::velocity || last_ == TokenKind::duration;
      if (!place || place_.part < 0 || place_.position < 0) return false;
      if (place_.note_part == place_.part && value <= place_.note_pitch) return false;
      return !sounds(place_.part, value, place_.position);
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
  Place& p = place_;
  switch (kind) {
    case TokenKind::mark:
      if (mark_ < 0) before_mark_ = p;
      mark_ = value;
      header_ = false;
      if (value == static_cast<int>(Mark::middle)) {
        p = before_mark_;
        // What sounds at the end of what stands before goes on sounding in the middle.
        if (p.bars > 0) p.bar_start += remi_meters()[static_cast<std::size_t>(p.meter)].grid();
        for (auto& part : p.sounding_until)
          for (auto& until : part) until -= p.bar_start;
        p.bar_start = 0;
        p.bars = 0;
      } else {
        p = Place{};
      }
      break;
    case TokenKind::bar:
      if (p.bars > 0) p.bar_start += remi_meters()[static_cast<std::size_t>(p.meter)].grid();
      header_ = false;
      p.meter = value;
      ++p.bars;
      p.position = p.part = p.note_part = p.note_pitch = p.chord = -1;
      p.chords = 0;
      break;
    case TokenKind::chord:
      p.chord = value;
      ++p.chords;
      break;
    case TokenKind::position:
      p.position = value;
      p.note_part = p.note_pitch = -1;
      break;
    case TokenKind::part:
      p.part = value;
      break;
    case TokenKind::program:
      programs_[static_cast<std::size_t>(p.part)] = value;
      break;
    case TokenKind::pitch:
      p.note_part = p.part;
      p.note_pitch = value;
      p.sounding_until[static_cast<std::size_t>(p.part)][static_cast<std::size_t>(value)] = p.bar_start + p.position;
      break;
    case TokenKind::duration:
      p.sounding_until[static_cast<std::size_t>(p.part)][static_cast<std::size_t>(p.note_pitch)] += value + 1;
      break;
    default:
      break;
  }
  last_ = kind;
  last_value_ = value;
}

}  // namespace euterpe
