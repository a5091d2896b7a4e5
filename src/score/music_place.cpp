#include "score/music_place.hpp"

namespace euterpe {
using V = RemiVocabulary;

MusicPlace MusicPlaces::push(Token token) {
  const int value = V::value(token);
  switch (V::kind(token)) {
    case TokenKind::bar:
      bar_ = next_bar_;
      next_bar_ += remi_meters()[static_cast<std::size_t>(value)].grid();
      position_ = 0;
      break;
    case TokenKind::position:
      position_ = value;
      break;
    case TokenKind::pitch:
      pitch_ = value;
      break;
    case TokenKind::mark:
      position_ = 0;
      switch (static_cast<Mark>(value)) {
        case Mark::suffix:
          prefix_end_ = next_bar_;
          bar_ = next_bar_ += gap_;
          break;
        case Mark::melody:
        case Mark::middle:
          bar_ = next_bar_ = prefix_end_;
          break;
      }
      break;
    default:
      break;
  }
  return {static_cast<std::int32_t>(bar_ + position_), pitch_};
}

std::vector<MusicPlace> music_places(std::span<const Token> tokens) {
  std::int64_t gap = 0;
  bool middle = false;
  for (const Token t : tokens) {
    const TokenKind kind = V::kind(t);
    middle = middle || (kind == TokenKind::mark && static_cast<Mark>(V::value(t)) == Mark::middle);
    if (middle && kind == TokenKind::bar) gap += remi_meters()[static_cast<std::size_t>(V::value(t))].grid();
  }
  MusicPlaces places(gap);
  std::vector<MusicPlace> out;
  out.reserve(tokens.size());
  for (const Token t : tokens) out.push_back(places.push(t));
  return out;
}

}  // namespace euterpe
