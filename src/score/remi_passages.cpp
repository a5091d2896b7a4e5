#include "score/remi_passages.hpp"

#include <algorithm>

namespace euterpe {
using V = RemiVocabulary;
namespace {

Token mark(Mark m) { return V::token(TokenKind::mark, static_cast<int>(m)); }

void append(std::vector<Token>& to, std::span<const Token> from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

RemiPassage cut_at_bars(std::span<const Token> tokens) {
  RemiPassage out;
  for (const Token t : tokens) {
    const TokenKind kind = V::kind(t);
    if (kind == TokenKind::bos) continue;
    if (kind == TokenKind::eos || kind == TokenKind::pad) break;
    if (kind == TokenKind::bar) out.bars.emplace_back();
    (out.bars.empty() ? out.header : out.bars.back()).push_back(t);
  }
  return out;
}

void count_bars_left(std::span<std::vector<Token>> bars) {
  for (std::size_t i = 0; i < bars.size(); ++i) {
    std::vector<Token>& bar = bars[i];
    std::erase_if(bar, [](Token t) { return V::kind(t) == TokenKind::left; });
    const std::size_t left = bars.size() - 1 - i;
    if (left < kLeftBars) bar.insert(bar.begin() + 1, V::token(TokenKind::left, static_cast<int>(left)));
  }
}

std::vector<Token> melody_of_bar(std::span<const Token> bar) {
  std::vector<Token> out;
  Token position = 0;
  int part = -1;
  bool said_part = false, said_position = false, take = false;
  for (const Token t : bar) {
    switch (V::kind(t)) {
      case TokenKind::bar:
      case TokenKind::left:
      case TokenKind::tempo:
        out.push_back(t);
        break;
      case TokenKind::position:
        position = t;
        said_position = false;
        break;
      case TokenKind::part:
        part = V::value(t);
        break;
      case TokenKind::pitch:
        take = part == 0;
        if (!take) break;
        if (!said_position) out.push_back(position);
        if (!said_part) out.push_back(V::token(TokenKind::part, 0));
        said_position = said_part = true;
        out.push_back(t);
        break;
      case TokenKind::duration:
        if (take) out.push_back(t);
        break;
      default:
        break;
    }
  }
  return out;
}

std::vector<Token> ask_for_middle(std::span<const Token> header, std::span<const std::vector<Token>> prefix,
                                  std::span<const std::vector<Token>> suffix) {
  std::vector<Token> out{V::token(TokenKind::bos)};
  append(out, header);
  for (const auto& bar : prefix) append(out, bar);
  out.push_back(mark(Mark::suffix));
  for (const auto& bar : suffix) append(out, bar);
  out.push_back(mark(Mark::middle));
  return out;
}

std::vector<Token> ask_for_accompaniment(std::span<const Token> header, std::span<const std::vector<Token>> bars) {
  std::vector<Token> out{V::token(TokenKind::bos)};
  append(out, header);
  out.push_back(mark(Mark::melody));
  for (const auto& bar : bars) append(out, melody_of_bar(bar));
  out.push_back(mark(Mark::middle));
  return out;
}

std::vector<Token> in_order_of_time(std::span<const Token> tokens) {
  const auto find = [&](Mark m) { return std::find(tokens.begin(), tokens.end(), mark(m)); };
  const auto suffix = find(Mark::suffix), melody = find(Mark::melody), middle = find(Mark::middle);
  std::vector<Token> out(tokens.begin(), std::min(suffix, melody));
  if (suffix != tokens.end()) {
    std::vector<Token> filled(middle == tokens.end() ? middle : middle + 1, tokens.end());
    const bool ended = !filled.empty() && V::kind(filled.back()) == TokenKind::eos;
    std::erase_if(filled, [](Token t) { return V::kind(t) == TokenKind::left || V::kind(t) == TokenKind::eos; });
    append(out, filled);
    out.insert(out.end(), suffix + 1, middle);
    if (ended) out.push_back(V::token(TokenKind::eos));
  } else if (melody != tokens.end() && middle != tokens.end()) {
    out.insert(out.end(), middle + 1, tokens.end());
  }
  return out;
}

}  // namespace euterpe
