#pragma once
/// Vectors whose lanes are frames, for functions marked EUTERPE_HOT: GCC maps them to what the machine has, 512 bits or
/// fewer. Only references to them may cross a function that is not inlined, for the clones differ in how they pass one.
#include <cstddef>
#include <cstdint>

#define EUTERPE_INLINE inline __attribute__((always_inline))

/// Whether functions may be written once for each width of vectors; the reasons are those in base/hot.hpp.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define EUTERPE_HAS_CLONES 1
#else
#define EUTERPE_HAS_CLONES 0
#endif

namespace euterpe::lanes {

constexpr std::size_t kLanes = 16;  ///< frames that are worked on side by side

/// One value of each of kLanes frames, at a 64-byte boundary.
using Frames = float __attribute__((vector_size(kLanes * sizeof(float)), may_alias));
/// kLanes floats in memory; vectors of these are aligned for Frames.
struct alignas(kLanes * sizeof(float)) Row {
  float value[kLanes] = {};
};

constexpr std::size_t kBlock = 8;
using Floats = float
    __attribute__((vector_size(kBlock * sizeof(float)), aligned(4), may_alias));  ///< eight floats, wherever they lie
using Indices = std::int32_t __attribute__((vector_size(kBlock * sizeof(std::int32_t))));

/// a0 b0 a1 b1 a2 b2 a3 b3, and the same of the upper halves.
EUTERPE_INLINE void interleave(const Floats& a, const Floats& b, Floats& low, Floats& high) {
  constexpr Indices kLow = {0, 8, 1, 9, 2, 10, 3, 11}, kHigh = {4, 12, 5, 13, 6, 14, 7, 15};
  const Floats x = a, y = b;
  low = __builtin_shuffle(x, y, kLow);
  high = __builtin_shuffle(x, y, kHigh);
}

/// Eight rows of eight become eight columns: three rounds of a perfect shuffle.
EUTERPE_INLINE void transpose(Floats (&a)[kBlock]) {
  for (int round = 0; round < 3; ++round) {
    Floats b[kBlock];
    for (std::size_t i = 0; i < kBlock / 2; ++i) interleave(a[i], a[i + kBlock / 2], b[2 * i], b[2 * i + 1]);
    for (std::size_t i = 0; i < kBlock; ++i) a[i] = b[i];
  }
}

}  // namespace euterpe::lanes
