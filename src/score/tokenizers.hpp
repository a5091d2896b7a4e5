#pragma once
/// Every way to write a score as a row of whole numbers that a model can learn, by name.
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "score/remi_vocabulary.hpp"
#include "score/score.hpp"

namespace euterpe {

/// One tokenizer. A new one is one more row.
struct Tokenizer {
  std::string_view name;  ///< as models' cards and shards say it
  std::string_view summary;
  int per_quarter;      ///< steps of its grid in a quarter note
  int (*vocabulary)();  ///< number of tokens
  /// The whole score at the tokenizer's finest; Error{unsupported | bad_input} for one that it cannot say.
  std::vector<Token> (*encode)(const Score& score);
  /// The inverse, up to the grid: encode(decode(encode(s))) is encode(s). Error{bad_input} for what is no sequence.
  Score (*decode)(std::span<const Token> tokens);
  /// Index of the first token that may not stand where it does; nothing if the sequence is valid so far.
  std::optional<std::size_t> (*first_misplaced)(std::span<const Token> tokens);
};

inline constexpr std::string_view kRemiTokens = RemiVocabulary::kName;  ///< Transformers
inline constexpr std::string_view kVoiceTokens = "voices";  ///< S A T B of each sixteenth (score/voice_grid.hpp)
inline constexpr std::string_view kFrameTokens = "frames";  ///< sets of pitches (score/frames.hpp)

std::span<const Tokenizer> tokenizers();
/// nullptr if there is none such.
const Tokenizer* known_tokenizer(std::string_view name);
/// Error{usage} listing the names if there is none such.
const Tokenizer& find_tokenizer(std::string_view name);

}  // namespace euterpe
