#include "compose/composer_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

int grid_of(int meter) { return remi_meters()[static_cast<std::size_t>(meter)].grid(); }

}  // namespace

ComposerNetwork::ComposerNetwork(const TransformerOptions& options, const Safetensors& weights,
                                 std::vector<Token> known)
    : known_(std::move(known)), number_(static_cast<std::size_t>(V::size()), -1) {
  if (options.vocabulary != static_cast<int>(known_.size()))
    throw Error(Category::bad_input, "compose",
                fmt::format("the weights have {} tokens, their tokenizer {}", options.vocabulary, known_.size()));
  for (std::size_t i = 0; i < known_.size(); ++i) number_[known_[i]] = static_cast<int>(i);
  weights_ = std::make_shared<TransformerWeights>(options, weights);
  for (const TokenKind kind : {TokenKind::meter, TokenKind::bar})
    if (knows(kind)) replace_unmet(kind);
}

/// What no piece of the training says is only ever told to be unlikely; so is Pad, and their rows come to point the
/// same way.
void ComposerNetwork::replace_unmet(TokenKind meter) {
  constexpr double kAlike = 0.95;
  const auto pad = weights_->embedding(number_[V::token(TokenKind::pad)]);
  const auto unmet = [&](int value) {
    const auto row = weights_->embedding(number_[V::token(meter, value)]);
    double product = 0, own = 0, pads = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double a = bf16_to_float(row[i]), b = bf16_to_float(pad[i]);
      product += a * b;
      own += a * a;
      pads += b * b;
    }
    return product > kAlike * std::sqrt(own * pads);
  };
  std::vector<int> met;
  for (int value = 0; value < V::count(meter); ++value)
    if (!unmet(value)) met.push_back(value);
  if (met.empty()) return;
  for (int value = 0; value < V::count(meter); ++value) {
    // Of two as near the longer one: the bar then ends before the model would end it, not while it has nothing to say.
    const auto off = [&](int other) {
      const int longer = grid_of(other) - grid_of(value);
      return std::pair(std::abs(longer), longer < 0);
    };
    const int nearest = *std::min_element(met.begin(), met.end(), [&](int a, int b) { return off(a) < off(b); });
    if (!std::binary_search(met.begin(), met.end(), value))
      number_[V::token(meter, value)] = number_[V::token(meter, nearest)];
  }
}

}  // namespace euterpe
