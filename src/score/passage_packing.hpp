#pragma once
/// The lists of an index of passages as they lie in its file: in order of the axis, what was written before foretelling
/// what comes, since pieces repeat themselves.
#include <cstdint>
#include <span>
#include <vector>

#include "score/passage_prints.hpp"

namespace euterpe {

/// A run of notes that an index holds.
struct IndexedRun {
  std::uint32_t axis = 0;  ///< sixteenths on the common axis
  std::uint32_t hash = 0;  ///< kPassageHashBits bits
  std::uint8_t pitch = 0, rhythm = 0;
  auto operator<=>(const IndexedRun&) const = default;
};

struct PackedList {
  std::vector<std::uint8_t> code;  ///< at least a byte for each kMostPerByte entries, so that its size bounds the list
  std::vector<std::uint8_t> raw;   ///< hashes and keys that nothing foretold
};
inline constexpr std::size_t kMostPerByte = 16;

/// \param runs, \param prints sorted; of prints `axis` counts on the common axis
PackedList pack_runs(std::vector<IndexedRun> runs);
PackedList pack_prints(std::vector<BarPrint> prints);

/// The first `count` entries. Fewer come back where the bytes say nothing sensible: they are damaged.
/// \param count at most kMostPerByte · code.size()
std::vector<IndexedRun> unpack_runs(std::span<const std::uint8_t> code, std::span<const std::uint8_t> raw,
                                    std::size_t count);
std::vector<BarPrint> unpack_prints(std::span<const std::uint8_t> code, std::span<const std::uint8_t> raw,
                                    std::size_t count);

}  // namespace euterpe
