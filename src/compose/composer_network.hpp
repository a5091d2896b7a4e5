#pragma once
/// The network that composes, spoken to in Tokens.
#include <memory>
#include <span>
#include <vector>

#include "nn/transformer_weights.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {

/// A trained Transformer and the tokens that it knows: its number i is known()[i]. A meter whose bars it hardly ever
/// met is read and heard as the one whose bars are most nearly as long.
class ComposerNetwork {
 public:
  /// \param unmet numbers of tokens that training met too seldom, as the card says. Error{bad_input} if the weights or
  /// `unmet` do not fit the vocabulary.
  ComposerNetwork(const TransformerOptions& options, const Safetensors& weights, std::vector<Token> known,
                  std::span<const int> unmet = {});
  const std::shared_ptr<const TransformerWeights>& weights() const { return weights_; }
  std::span<const Token> known() const { return known_; }
  bool knows(Token token) const { return number_[token] >= 0; }
  bool knows(TokenKind kind) const { return knows(RemiVocabulary::first(kind)); }
  int number(Token token) const { return number_[token]; }
  /// Whether its number is its own.
  bool met(Token token) const { return knows(token) && known_[static_cast<std::size_t>(number_[token])] == token; }

 private:
  void replace_meters(std::span<const int> unmet);

  std::shared_ptr<const TransformerWeights> weights_;
  std::vector<Token> known_;
  std::vector<int> number_;  ///< of each Token, −1 = not known
};

}  // namespace euterpe
