#pragma once
/// Shards: token sequences ready to train on, in one file with all that must be known of where they come from.
///
/// Layout, little-endian: magic "EUTSHARD", u32 version, u64 length of the JSON header, the header, u16 tokens. The
/// header holds {tokenizer, vocabulary, pieces: [{id, style, group, split, offset, length}], data: [{name, licence,
/// commercial, pieces}], left_out: {reason: count}, left_out_pieces: [{id, reason, detail}], split_hash,
/// tokens_sha256}; offset and length count tokens.
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "score/tokenizer.hpp"

namespace euterpe {

struct ShardPiece {
  std::string id, style, group, split;
  std::vector<Token> tokens;
};

struct Shard {
  std::string tokenizer;
  int vocabulary = 0;
  std::vector<ShardPiece> pieces;
  nlohmann::json data = nlohmann::json::array();  ///< per source: {name, licence, commercial, pieces, train}
  std::map<std::string, int> left_out;            ///< reason → number of pieces
  /// Pieces left out by name, {id, reason, detail}; empty in shards of before this list.
  nlohmann::json left_out_pieces = nlohmann::json::array();
  std::string
      split_hash;    ///< which group stands in which split, see Splits::hash(); filled in by prepare() and read_shard()
  std::string hash;  ///< SHA-256 of the file: the manifest hash that a card carries
};

/// Throws Error{bad_input} if a group stands in two splits, Error{io}.
void write_shard(const std::filesystem::path& path, const Shard& shard);
/// Error{bad_input} naming the offset for a truncated, altered or lying file or a group in two splits,
/// Error{newer_version} for a later version.
Shard read_shard(const std::filesystem::path& path);

}  // namespace euterpe
