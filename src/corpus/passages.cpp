#include "corpus/passages.hpp"

#include <set>
#include <string>
#include <string_view>

#include "score/tokenizers.hpp"

namespace euterpe {
namespace {

double thinner(std::string_view style) { return style == "classical" ? kClassicalThinner : 1; }

}  // namespace

std::vector<std::uint8_t> training_passages(std::span<const Source> sources, const PassageIndexOptions& options) {
  PassageIndexBuilder builder(options);
  for (const Source& source : sources)
    for (const Piece& piece : source.pieces)
      if (piece.split == "train") builder.add(piece.id, piece.score, thinner(piece.style));
  return builder.finish();
}

std::vector<std::uint8_t> training_passages(const Shard& shard, const PassageIndexOptions& options) {
  const Tokenizer& tokenizer = find_tokenizer(shard.tokenizer);
  std::set<std::string> learned;
  PassageIndexBuilder builder(options);
  for (const ShardPiece& piece : shard.pieces) {
    if (piece.split != "train") continue;
    // "ID+1" is the first variant of ID.
    const auto plus = piece.id.rfind('+');
    if (plus != std::string::npos && learned.count(piece.id.substr(0, plus)) > 0) continue;
    learned.insert(piece.id);
    builder.add(piece.id, tokenizer.decode(piece.tokens), thinner(piece.style));
  }
  return builder.finish();
}

}  // namespace euterpe
