#pragma once
/// Writes new music with a trained Transformer, or continues a piece.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compose/sampler.hpp"
#include "nn/decoder.hpp"
#include "nn/model.hpp"
#include "score/key.hpp"
#include "score/score.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {

struct ComposeOptions {
  std::string style;  ///< one of Composer::styles(); empty = the model's first
  int bars = 16;      ///< bars to write (beyond the prompt's), 1 … 512
  std::uint64_t seed = 0;
  SamplingOptions sampling;
  std::optional<KeyEstimate> key;    ///< unset: the model chooses; without a prompt the piece is moved to it if need be
  std::optional<double> tempo;       ///< quarter notes a minute, 30 … 240; unset: the model chooses
  std::optional<std::string> meter;  ///< "3/4"; unset: the model chooses. One meter throughout.
  const Score* prompt = nullptr;     ///< continue this score
};

struct Composition {
  Score score;  ///< what was asked for; with a prompt, the prompt's own notes first; one that rings on ends
                ///< where its pitch begins again
  std::vector<Token> tokens;  ///< the sequence as the model wrote it
  double nats_per_token = 0;  ///< mean negative log-likelihood of what was drawn
  int attempts = 1;  ///< a piece with fewer than two notes a bar, or in the other mode than asked, is written anew
  nlohmann::json provenance;  ///< {model, model_hash, seed, style, options, data, licences, commercial, …}
};

class Composer {
 public:
  /// Error{bad_input} if the model composes nothing or its weights do not fit its card.
  explicit Composer(const Model& model);
  const std::vector<std::string>& styles() const { return styles_; }
  const Model& model() const { return model_; }
  /// The same options give the same piece on every machine of one instruction set. Thread-safe.
  /// Error{usage} for an unknown style, key, meter or a length out of range; Error{unsupported | bad_input} for a
  /// prompt that tokens cannot say.
  Composition compose(const ComposeOptions& options) const;

 private:
  Model model_;
  std::vector<std::string> styles_;
  std::shared_ptr<const TransformerWeights> weights_;
};

/// "C major", "a minor", "F#m", "Bb"; Error{usage} otherwise.
KeyEstimate parse_key(std::string_view text);

}  // namespace euterpe
