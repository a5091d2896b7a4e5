#pragma once
/// The index that `identify` looks up: one file, memory-mapped, from the hash of a landmark to where it was heard.
///
/// Every track stands on one common axis of frames, one after the other; a posting is a single 32-bit frame on it. The
/// postings are sorted by hash; of a hash, the upper bits lead to a bucket and the lower 16 are kept beside each
/// posting, so a posting costs 6 bytes. The constellations are kept too (4 bytes a peak), to verify what the postings
/// suggest.
///
/// File, little-endian: magic "EUTLMIDX", version u32, hash bits u32, file size u64, stamp u64, tracks u64, postings
/// u64, peaks u64, checksum u64; then tracks (48 bytes each), buckets u64, low hashes u16, frames u32, peaks u32, every
/// section padded to 8 bytes. docs/protect.md has it field by field.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "signal/landmarks.hpp"

namespace euterpe {

class LandmarkIndexBuilder {
 public:
  /// \param id 64 hexadecimal characters. Throws Error{bad_input} for another id, Error{unsupported} if a recording is
  /// longer than 54 hours or the catalog than 27,000 (frames are 23 and 32 bits wide).
  void add(std::string_view id, const Constellation& constellation);
  /// \param stamp any number that tells the state of the source; read back by LandmarkIndex::stamp()
  std::vector<std::uint8_t> finish(std::uint64_t stamp = 0);

 private:
  struct Track {
    std::string id;
    std::uint32_t first_frame, frames;
    std::uint64_t first_peak;
  };
  std::vector<Track> tracks_;
  std::vector<std::uint64_t> postings_;  ///< hash · 2³² + frame
  std::vector<std::uint32_t> peaks_;     ///< frame · 2⁹ + bin
  std::uint64_t frames_ = 0;
};

/// Read-only and safe to use from several threads.
class LandmarkIndex {
 public:
  /// Maps and checks the file: sizes, order and a checksum over every byte. Throws Error{not_found}, Error{bad_input}
  /// naming the file and what is wrong, Error{newer_version}.
  explicit LandmarkIndex(const std::filesystem::path& path);
  /// The same, of an index in memory; `name` stands for the file in errors.
  explicit LandmarkIndex(std::vector<std::uint8_t> bytes, std::string name = "index in memory");

  std::size_t tracks() const { return tracks_.size(); }
  std::string id(std::size_t track) const;  ///< 64 hexadecimal characters
  std::uint32_t first_frame(std::size_t track) const { return tracks_[track].first_frame; }
  std::uint32_t frames(std::size_t track) const { return tracks_[track].frames; }
  std::uint64_t total_frames() const;
  std::uint64_t stamp() const { return stamp_; }
  std::size_t postings() const { return frames_.size(); }
  std::size_t bytes() const { return bytes_.size(); }

  /// Where landmarks with this hash were heard, frames on the common axis.
  std::span<const std::uint32_t> lookup(std::uint32_t hash) const;
  /// The track that a frame of the common axis belongs to; tracks() if none.
  std::size_t track_at(std::uint64_t frame) const;
  /// Peaks of a track within [begin, end) of its own frames, by frame.
  std::vector<Peak> peaks(std::size_t track, std::int64_t begin, std::int64_t end) const;

 private:
  struct Entry {
    std::uint8_t id[32];
    std::uint32_t first_frame, frames;
    std::uint64_t first_peak;
  };
  static_assert(sizeof(Entry) == 48);
  void check(const std::string& name);
  friend class LandmarkIndexBuilder;

  std::vector<std::uint8_t> memory_;
  std::vector<MappedFile> file_;  ///< none or one
  std::span<const std::uint8_t> bytes_;
  std::span<const Entry> tracks_;
  std::span<const std::uint64_t> buckets_;
  std::span<const std::uint16_t> low_;
  std::span<const std::uint32_t> frames_, peaks_;
  std::uint64_t stamp_ = 0;
};

}  // namespace euterpe
