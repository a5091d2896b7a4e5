#pragma once
/// Products of very many vectors of 4-bit numbers with a few of 8-bit ones, for the instruction set of the running CPU:
/// what finds the candidates of nn/vector_index.hpp.
#include <cstddef>
#include <cstdint>

namespace euterpe {

inline constexpr int kNibbleBlock = 16;   ///< vectors that lie together
inline constexpr int kNibbleDims = 8;     ///< dimensions of a group: 64 bytes of a block
inline constexpr int kNibbleQueries = 8;  ///< of one pass

/// Byte 4 · v + j of a group holds dimension j of vector v in its lower half and dimension 4 + j in its upper one.
/// Returns where in a block's bytes (vector, dimension) lies; the upper half where dimension % 8 ≥ 4.
inline std::size_t nibble_place(std::size_t vector, std::size_t dimension) {
  return dimension / kNibbleDims * 64 + 4 * vector + dimension % 4;
}

/// Vectors whose sum is above a query's threshold.
struct NibbleHits {
  std::uint32_t* vectors;  ///< room for all vectors of the pass, and a block more
  std::int32_t* sums;      ///< the same
  std::size_t count = 0;
};

struct NibbleKernel {
  const char* name;  ///< of the instruction set
  /// \param codes [blocks × groups × 64] \param weights int8 [queries × groups · 8] \param queries 1 … kNibbleQueries
  /// \param thresholds, hits [queries]; hits are counted from the first of these blocks on
  void (*scan)(const std::uint8_t* codes, std::size_t blocks, int groups, const std::int8_t* weights, int queries,
               const std::int32_t* thresholds, NibbleHits* hits);
};

/// That for this CPU; all give the same sums.
const NibbleKernel& nibble_kernel();
/// Any of them that this CPU has, null beyond the last: for tests.
const NibbleKernel* nibble_kernel(int number);

}  // namespace euterpe
