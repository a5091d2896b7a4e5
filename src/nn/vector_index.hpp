#pragma once
/// The items whose vectors have the largest products with a query's, among up to some ten million.
///
/// A scan: every vector is looked at as 4-bit numbers, one a dimension, by products of small integers (a half byte a
/// dimension, so a million of 64 dimensions are 32 MB); the best few hundred by that are compared exactly. What graphs
/// and partitions save where vectors lie in clusters they lose where these do not, and the distribution is not known
/// before; a scan has the same cost and recall on any, takes no training, and a query's answer can leave out any items.
/// How many candidates are compared exactly is measured when the index is built.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/files.hpp"

namespace euterpe {

struct VectorHit {
  std::uint32_t item = 0;  ///< row of the vectors
  float score = 0;         ///< product with the query
  bool operator==(const VectorHit&) const = default;
};

struct VectorIndexOptions {
  double recall = 0.995;         ///< of the ten best that candidates are to hold on average
  std::span<const float> asked;  ///< queries [? × width] to measure that by; empty: vectors of the index themselves
};

/// Thread-safe once it is there.
class VectorIndex {
 public:
  /// Up to so many vectors are searched exactly, which is then as fast.
  static constexpr std::size_t kFewest = 20'000;

  /// \param vectors row-major [? × width]. Error{bad_input} naming the row where a number is not finite,
  /// Error{unsupported} above 2³² − 1 rows or 4,096 dimensions
  VectorIndex(std::vector<float> vectors, int width, const VectorIndexOptions& options = {});
  /// Maps a file that write() made. Error{bad_input} if it is damaged, Error{newer_version}.
  explicit VectorIndex(const std::filesystem::path& path);

  /// Layout, little-endian: magic "EUTVECIX", u32 version (1), u32 width, u64 vectors, u64 candidates, f64 recall, u64
  /// size of the file, u64 checksum (base/checksum.hpp, its own field as 0), 8 zero bytes; f32 lowest[width],
  /// step[width], vectors[vectors × width]; from the next multiple of 64 bytes on the codes, blocks of 16 vectors
  /// (nn/nibble_scan.hpp) with zeros behind the last.
  void write(const std::filesystem::path& path) const;

  std::size_t size() const { return vectors_.size() / static_cast<std::size_t>(width_); }
  int width() const { return width_; }
  std::span<const float> vectors() const { return vectors_; }
  std::size_t candidates() const { return candidates_; }  ///< compared exactly, for ten; 0 = all
  double recall() const { return recall_; }               ///< of the ten best, measured when it was built
  std::size_t bytes() const;                              ///< of memory or of the mapped file

  /// The `k` best of each query, best first, ties by item; fewer where there are no more. \param queries [? × width],
  /// finite \param excluded items for which it is true are passed over; may be empty
  std::vector<std::vector<VectorHit>> search(std::span<const float> queries, std::size_t k,
                                             const std::function<bool(std::uint32_t)>& excluded = {}) const;
  /// The same by exact products with all vectors.
  std::vector<std::vector<VectorHit>> search_exactly(std::span<const float> queries, std::size_t k,
                                                     const std::function<bool(std::uint32_t)>& excluded = {}) const;

 private:
  struct Header;
  struct Candidate;
  std::vector<std::vector<Candidate>> candidates(std::span<const float> queries, std::size_t count,
                                                 const std::function<bool(std::uint32_t)>& excluded) const;
  void encode();
  void measure(const VectorIndexOptions& options);

  int width_ = 0;
  std::size_t candidates_ = 0;
  double recall_ = 1;
  std::vector<float> own_vectors_, own_scale_;
  std::vector<std::uint8_t> own_codes_;
  std::optional<MappedFile> file_;
  std::span<const float> vectors_, lowest_, step_;  ///< of the above or of the file
  std::span<const std::uint8_t> codes_;
};

/// Products of `query` [width] with each row of `vectors` [scores.size() × width].
void score_vectors(std::span<const float> vectors, std::span<const float> query, std::span<float> scores);

}  // namespace euterpe
