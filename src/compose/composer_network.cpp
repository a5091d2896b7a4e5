#include "compose/composer_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

int grid_of(int meter) { return remi_meters()[static_cast<std::size_t>(meter)].grid(); }

}  // namespace

ComposerNetwork::ComposerNetwork(const TransformerOptions& options, const Safetensors& weights,
                                 std::vector<Token> known, std::span<const int> unmet)
    : known_(std::move(known)), number_(static_cast<std::size_t>(V::size()), -1) {
  if (options.vocabulary != static_cast<int>(known_.size()))
    throw Error(Category::bad_input, "compose",
                fmt::format("the weights have {} tokens, their tokenizer {}", options.vocabulary, known_.size()));
  for (const int number : unmet)
    if (number < 0 || number >= options.vocabulary)
      throw Error(Category::bad_input, "compose",
                  fmt::format("token {} of {} was never met, says the card", number, options.vocabulary));
  for (std::size_t i = 0; i < known_.size(); ++i) number_[known_[i]] = static_cast<int>(i);
  weights_ = std::make_shared<TransformerWeights>(options, weights);
  if (knows(TokenKind::meter) && knows(TokenKind::bar)) replace_meters(unmet);
}

/// By the bars, of which there are many in a piece; its one Meter follows them.
void ComposerNetwork::replace_meters(std::span<const int> unmet) {
  std::vector<int> met;
  for (int meter = 0; meter < V::count(TokenKind::bar); ++meter)
    if (std::find(unmet.begin(), unmet.end(), number(V::token(TokenKind::bar, meter))) == unmet.end())
      met.push_back(meter);
  if (met.empty()) return;
  for (int meter = 0; meter < V::count(TokenKind::bar); ++meter) {
    if (std::binary_search(met.begin(), met.end(), meter)) continue;
    // Of two as near the longer one: the bar then ends before the model would end it, not while it has nothing to say.
    const auto off = [&](int other) {
      const int longer = grid_of(other) - grid_of(meter);
      return std::pair(std::abs(longer), longer < 0);
    };
    const int nearest = *std::min_element(met.begin(), met.end(), [&](int a, int b) { return off(a) < off(b); });
    for (const TokenKind kind : {TokenKind::meter, TokenKind::bar})
      number_[V::token(kind, meter)] = number_[V::token(kind, nearest)];
  }
}

}  // namespace euterpe
