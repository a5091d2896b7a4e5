#include "corpus/passages.hpp"

#include <set>
#include <string>

#include "score/passage_index.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {

std::vector<std::uint8_t> training_passages(std::span<const Source> sources, const Shard& shard) {
  std::set<std::string> learned;
  for (const ShardPiece& piece : shard.pieces)
    if (piece.split == "train") learned.insert(piece.id);
  PassageIndexBuilder builder;
  for (const Source& source : sources)
    for (const Piece& piece : source.pieces)
      if (learned.count(piece.id) > 0) builder.add(piece.id, piece.score);
  return builder.finish();
}

std::vector<std::uint8_t> training_passages(const Shard& shard) {
  std::set<std::string> learned;
  PassageIndexBuilder builder;
  for (const ShardPiece& piece : shard.pieces) {
    if (piece.split != "train") continue;
    // "ID+1" is the first variant of ID.
    const auto plus = piece.id.rfind('+');
    if (plus != std::string::npos && learned.count(piece.id.substr(0, plus)) > 0) continue;
    learned.insert(piece.id);
    builder.add(piece.id, decode_remi(piece.tokens));
  }
  return builder.finish();
}

}  // namespace euterpe
