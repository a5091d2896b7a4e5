#include "score/tokenizers.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "base/error.hpp"
#include "score/remi_grammar.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {

std::vector<Token> encode_all(const Score& score) {
  RemiOptions options;
  options.chords = true;
  return encode_remi(score, options);
}

std::optional<std::size_t> first_misplaced_remi(std::span<const Token> tokens) {
  RemiGrammar grammar;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= RemiVocabulary::size() || !grammar.allows(tokens[i])) return i;
    grammar.push(tokens[i]);
  }
  return {};
}

constexpr std::array kTokenizers{
    Tokenizer{RemiVocabulary::kName, "bars, positions and notes of all parts, with chords and controls",
              RemiVocabulary::size, encode_all, decode_remi, first_misplaced_remi},
};

}  // namespace

std::span<const Tokenizer> tokenizers() { return kTokenizers; }

const Tokenizer& find_tokenizer(std::string_view name) {
  std::string names;
  for (const Tokenizer& t : kTokenizers) {
    if (t.name == name) return t;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", t.name);
  }
  throw Error(Category::usage, "tokenizer", fmt::format("there is no tokenizer \"{}\"", name), "known: " + names);
}

}  // namespace euterpe
