#pragma once
/// The index of passages that compose's originality gate asks: from hashed runs of notes to where they stand.
///
/// It holds no notes. Of the runs of every line (score/passage_lines.hpp) those that very many pieces share are left
/// out; of the others winnowing keeps some (Schleimer, Wilkerson and Aiken 2003): of every so many neighbors the one
/// with the least hash, so that whatever is that much longer than a run and stands in both shares a hash. Places are
/// sixteenths on one common axis of all pieces, with the pitch of the run's first note. Beside the runs stand the
/// prints of whole bars (score/passage_prints.hpp). In the file both are packed (score/passage_packing.hpp): a run
/// costs three bytes, a print five.
///
/// File, little-endian: magic "EUTPASSX", version u32, segments u32, file size u64; per segment {kind u32, 0 u32,
/// offset u64, size u64, checksum u64}; checksum u64 of all before it. Segments, each padded to 8 bytes: settings,
/// pieces, names, runs, hashes, prints, keys. docs/originality.md has them field by field.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "score/passage_lines.hpp"
#include "score/passage_prints.hpp"

namespace euterpe {

/// How the index beside a model's card or in a catalog's folder is called.
inline constexpr const char* kPassageIndexName = "passages.idx";

struct IndexedRun;

struct PassageIndexOptions {
  PassageRuns runs;
  double per_bar = 6.5;    ///< runs of a bar that are kept, about, all lines together; of sparse pieces all are
  double common = 0.01;    ///< share of the pieces, and
  std::uint32_t few = 12;  ///< number of pieces, above both of which a run is common property
};

class PassageIndexBuilder {
 public:
  explicit PassageIndexBuilder(const PassageIndexOptions& options = {}) : options_(options) {}
  /// \param name how the piece is called in answers, \param thinner the runs of this piece that are kept are so many
  /// times fewer; its prints are not. Throws Error{unsupported} if all pieces together are longer than
  /// two million bars.
  void add(std::string name, const Score& score, double thinner = 1);
  std::size_t pieces() const { return pieces_.size(); }
  /// \param stamp any number that tells the state of the source; read back by PassageIndex::stamp()
  std::vector<std::uint8_t> finish(std::uint64_t stamp = 0);

 private:
  struct Piece {
    std::string name;
    std::uint32_t first, length;  ///< sixteenths
    std::uint8_t numerator, denominator;
    double per_bar;
  };
  struct Run {
    std::uint32_t hash, piece, place, line;  ///< `line` counts over all pieces
    std::uint8_t rhythm;
  };
  PassageIndexOptions options_;
  std::vector<Piece> pieces_;
  std::vector<Run> runs_;
  std::vector<BarPrint> prints_;
  std::uint32_t lines_ = 0;
};

/// Read-only and safe to use from several threads.
class PassageIndex {
 public:
  /// Checks and unpacks the file: sizes, order and each segment's checksum. Throws Error{not_found}, Error{bad_input}
  /// naming the file, the segment and what is wrong (also for a file of an older version), Error{newer_version}.
  explicit PassageIndex(const std::filesystem::path& path);
  /// The same, of an index in memory; `name` stands for the file in errors.
  explicit PassageIndex(std::span<const std::uint8_t> bytes, const std::string& name = "index in memory");

  struct Place {
    std::uint32_t axis;   ///< sixteenths on the common axis
    std::uint8_t pitch;   ///< of the run's first note, its highest
    std::uint8_t rhythm;  ///< see pack_rhythm()
  };
  struct PlaceRange {
    std::size_t begin, end;
  };
  struct PieceEntry {
    std::uint32_t first, length;  ///< sixteenths on the axis
    std::uint32_t name, name_length;
    std::uint8_t numerator, denominator;
  };

  std::size_t pieces() const { return pieces_.size(); }
  std::string_view name(std::size_t piece) const;
  const PieceEntry& piece(std::size_t i) const { return pieces_[i]; }
  std::size_t places() const { return places_.size(); }
  std::size_t bytes() const { return bytes_; }
  const PassageRuns& runs() const { return runs_; }
  std::uint64_t stamp() const { return stamp_; }
  const std::string& hash() const { return hash_; }  ///< SHA-256 of the file

  /// Which places have runs with this hash, in order of the axis. \param hash kPassageHashBits bits
  PlaceRange lookup(std::uint32_t hash) const;
  Place place(std::size_t i) const {
    return {places_[i] >> 7, static_cast<std::uint8_t>(places_[i] & 127), rhythms_[i]};
  }
  /// The piece that stands there; pieces() if none.
  std::size_t piece_at(std::uint32_t axis) const;

  /// By axis, each inside a piece.
  std::span<const BarPrint> prints() const { return prints_; }
  /// Which of them may have this key, in order: all that have it are among them.
  std::span<const std::uint32_t> prints_with(std::uint32_t key) const;

 private:
  void read(std::span<const std::uint8_t> bytes, const std::string& name);
  void sort_runs(std::span<const IndexedRun> runs);

  std::size_t bytes_ = 0;
  std::string hash_;
  std::vector<PieceEntry> pieces_;
  std::string names_;
  std::vector<std::uint32_t> buckets_, places_;  ///< places by the hash of their run
  std::vector<std::uint8_t> low_, rhythms_;
  std::vector<BarPrint> prints_;
  std::vector<std::uint32_t> print_buckets_, by_key_;
  PassageRuns runs_;
  std::uint64_t stamp_ = 0;
};

}  // namespace euterpe
