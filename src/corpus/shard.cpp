#include "corpus/shard.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/splits.hpp"

namespace euterpe {
namespace {

constexpr std::string_view kMagic = "EUTSHARD";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPrefix = kMagic.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);

template <class T>
std::span<const std::uint8_t> bytes_of(const T* data, std::size_t count) {
  return {reinterpret_cast<const std::uint8_t*>(data), count * sizeof(T)};
}

[[noreturn]] void broken(const std::filesystem::path& path, const std::string& what) {
  throw Error(Category::bad_input, "read_shard", path.string() + ": " + what, "run prepare again");
}

}  // namespace

void write_shard(const std::filesystem::path& path, const Shard& shard) {
  std::vector<Token> tokens;
  Splits splits;
  auto pieces = nlohmann::json::array();
  for (const ShardPiece& p : shard.pieces) {
    splits.add(p.group, p.split);
    pieces.push_back({{"id", p.id},
                      {"style", p.style},
                      {"group", p.group},
                      {"split", p.split},
                      {"offset", tokens.size()},
                      {"length", p.tokens.size()}});
    tokens.insert(tokens.end(), p.tokens.begin(), p.tokens.end());
  }
  const auto token_bytes = bytes_of(tokens.data(), tokens.size());
  const std::string header = nlohmann::json{{"tokenizer", shard.tokenizer}, {"vocabulary", shard.vocabulary},
                                            {"pieces", std::move(pieces)},  {"data", shard.data},
                                            {"left_out", shard.left_out},   {"left_out_pieces", shard.left_out_pieces},
                                            {"split_hash", splits.hash()},  {"tokens_sha256", sha256(token_bytes)}}
                                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::vector<std::uint8_t> out(kMagic.begin(), kMagic.end());
  const std::uint64_t length = header.size();
  auto append = [&](std::span<const std::uint8_t> b) { out.insert(out.end(), b.begin(), b.end()); };
  append(bytes_of(&kVersion, 1));
  append(bytes_of(&length, 1));
  append(bytes_of(header.data(), header.size()));
  append(token_bytes);
  write_file(path, out);
}

Shard read_shard(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() < kPrefix || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    broken(path, "byte 0: expected the magic EUTSHARD: no shard");
  std::uint32_t version = 0;
  std::uint64_t length = 0;
  std::memcpy(&version, bytes.data() + kMagic.size(), sizeof version);
  std::memcpy(&length, bytes.data() + kMagic.size() + sizeof version, sizeof length);
  if (version > kVersion)
    throw Error(Category::newer_version, "read_shard",
                fmt::format("{}: version {}, this program reads up to {}", path.string(), version, kVersion));
  if (length > bytes.size() - kPrefix)
    broken(path, fmt::format("the header says {} bytes but {} are left: cut short?", length, bytes.size() - kPrefix));
  Shard shard;
  try {
    const auto header =
        nlohmann::json::parse(bytes.begin() + kPrefix, bytes.begin() + static_cast<std::ptrdiff_t>(kPrefix + length));
    const auto body = bytes.subspan(kPrefix + length);
    if (sha256(body) != header.at("tokens_sha256").get<std::string>())
      broken(path, fmt::format("byte {}: the tokens are not those that were written (SHA-256)", kPrefix + length));
    shard.tokenizer = header.at("tokenizer");
    shard.vocabulary = header.at("vocabulary");
    shard.data = header.at("data");
    shard.left_out = header.at("left_out").get<std::map<std::string, int>>();
    if (const auto named = header.find("left_out_pieces"); named != header.end()) shard.left_out_pieces = *named;
    // Pieces stand end to end, so that no header can ask for more memory than the file has.
    const std::uint64_t total = body.size() / sizeof(Token);
    std::uint64_t next = 0;
    Splits splits;
    for (const auto& row : header.at("pieces")) {
      const auto offset = row.at("offset").get<std::uint64_t>(), count = row.at("length").get<std::uint64_t>();
      if (offset != next || count > total - offset)
        broken(path, fmt::format("piece {} lies outside its place in the tokens", row.at("id").get<std::string>()));
      next += count;
      ShardPiece piece{row.at("id"), row.at("style"), row.at("group"), row.at("split"), std::vector<Token>(count)};
      std::memcpy(piece.tokens.data(), body.data() + offset * sizeof(Token), count * sizeof(Token));
      if (piece.split != "train" && piece.split != "valid" && piece.split != "test")
        broken(path, fmt::format("piece {}: there is no split \"{}\"", piece.id, piece.split));
      splits.add(piece.group, piece.split);
      for (Token t : piece.tokens)
        if (t >= shard.vocabulary) broken(path, fmt::format("piece {}: token {} is none", piece.id, t));
      shard.pieces.push_back(std::move(piece));
    }
    shard.split_hash = splits.hash();
    if (body.size() != total * sizeof(Token) || next != total)
      broken(path, fmt::format("the pieces take {} tokens of {} bytes", next, body.size()));
  } catch (const nlohmann::json::exception& e) {
    broken(path, fmt::format("header: {}", e.what()));
  } catch (const Error& e) {
    if (e.operation() == "splits") broken(path, e.detail());
    throw;
  }
  shard.hash = sha256(bytes);
  return shard;
}

}  // namespace euterpe
