#include "nn/nibble_scan.hpp"

#include <cstring>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define EUTERPE_NIBBLES_X86 1
#include <immintrin.h>
#endif

#define INLINE inline __attribute__((always_inline))
#define HOT __attribute__((optimize("O3")))
#define UNROLL _Pragma("GCC unroll 16")

namespace euterpe {
namespace {

namespace generic {
HOT void scan(const std::uint8_t* codes, std::size_t blocks, int groups, const std::int8_t* weights, int queries,
              const std::int32_t* thresholds, NibbleHits* hits) {
  for (std::size_t b = 0; b < blocks; ++b)
    for (int q = 0; q < queries; ++q) {
      std::int32_t sums[kNibbleBlock] = {};
      for (int g = 0; g < groups; ++g) {
        const std::uint8_t* bytes = codes + (b * static_cast<std::size_t>(groups) + static_cast<std::size_t>(g)) * 64;
        const std::int8_t* w = weights + (q * groups + g) * kNibbleDims;
        for (int v = 0; v < kNibbleBlock; ++v)
          for (int j = 0; j < 4; ++j) sums[v] += (bytes[4 * v + j] & 15) * w[j] + (bytes[4 * v + j] >> 4) * w[4 + j];
      }
      for (int v = 0; v < kNibbleBlock; ++v)
        if (sums[v] > thresholds[q]) {
          hits[q].vectors[hits[q].count] = static_cast<std::uint32_t>(b * kNibbleBlock) + static_cast<std::uint32_t>(v);
          hits[q].sums[hits[q].count++] = sums[v];
        }
    }
}
}  // namespace generic

#ifdef EUTERPE_NIBBLES_X86
INLINE std::int32_t four(const std::int8_t* weights) {
  std::int32_t word;
  std::memcpy(&word, weights, sizeof word);
  return word;
}

#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
/// Products of 4-bit with 8-bit numbers, two at a time, stay below 2 · 15 · 128 and so within 16 bits.
INLINE __m256i dot(__m256i sums, __m256i nibbles, std::int32_t weights) {
  const __m256i pairs = _mm256_maddubs_epi16(nibbles, _mm256_set1_epi32(weights));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
HOT void scan(const std::uint8_t* codes, std::size_t blocks, int groups, const std::int8_t* weights, int queries,
              const std::int32_t* thresholds, NibbleHits* hits) {
  const __m256i low = _mm256_set1_epi8(15);
  for (std::size_t b = 0; b < blocks; ++b)
    for (int q = 0; q < queries; ++q) {
      __m256i sums[2] = {};
      const std::uint8_t* bytes = codes + b * static_cast<std::size_t>(groups) * 64;
      const std::int8_t* w = weights + q * groups * kNibbleDims;
      for (int g = 0; g < groups; ++g, bytes += 64, w += kNibbleDims) UNROLL for (int half = 0; half < 2; ++half) {
          const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32 * half));
          sums[half] = dot(sums[half], _mm256_and_si256(both, low), four(w));
          sums[half] = dot(sums[half], _mm256_and_si256(_mm256_srli_epi16(both, 4), low), four(w + 4));
        }
      const __m256i threshold = _mm256_set1_epi32(thresholds[q]);
      UNROLL for (int half = 0; half < 2; ++half) {
        int mask = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(sums[half], threshold)));
        if (mask == 0) continue;
        std::int32_t values[8];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values), sums[half]);
        for (; mask != 0; mask &= mask - 1) {
          const int v = __builtin_ctz(static_cast<unsigned>(mask));
          hits[q].vectors[hits[q].count] =
              static_cast<std::uint32_t>(b * kNibbleBlock) + static_cast<std::uint32_t>(8 * half + v);
          hits[q].sums[hits[q].count++] = values[v];
        }
      }
    }
}
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vnni")
namespace vnni {
template <int Queries>
INLINE void scan_of(const std::uint8_t* codes, std::size_t blocks, int groups, const std::int8_t* weights,
                    const std::int32_t* thresholds, NibbleHits* hits) {
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  for (std::size_t b = 0; b < blocks; ++b) {
    __m512i sums[Queries] = {};
    const std::uint8_t* bytes = codes + b * static_cast<std::size_t>(groups) * 64;
    for (int g = 0; g < groups; ++g) {
      const __m512i both = _mm512_loadu_si512(bytes + g * 64);
      const __m512i first = _mm512_and_si512(both, low), second = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
      UNROLL for (int q = 0; q < Queries; ++q) {
        const std::int8_t* w = weights + (q * groups + g) * kNibbleDims;
        sums[q] = _mm512_dpbusd_epi32(sums[q], first, _mm512_set1_epi32(four(w)));
        sums[q] = _mm512_dpbusd_epi32(sums[q], second, _mm512_set1_epi32(four(w + 4)));
      }
    }
    const __m512i vectors = _mm512_add_epi32(places, _mm512_set1_epi32(static_cast<int>(b * kNibbleBlock)));
    UNROLL for (int q = 0; q < Queries; ++q) {
      const __mmask16 mask = _mm512_cmpgt_epi32_mask(sums[q], _mm512_set1_epi32(thresholds[q]));
      if (mask == 0) [[likely]]
        continue;
      NibbleHits& hit = hits[q];
      _mm512_storeu_si512(hit.vectors + hit.count, _mm512_maskz_compress_epi32(mask, vectors));
      _mm512_storeu_si512(hit.sums + hit.count, _mm512_maskz_compress_epi32(mask, sums[q]));
      hit.count += static_cast<std::size_t>(__builtin_popcount(mask));
    }
  }
}
HOT void scan(const std::uint8_t* codes, std::size_t blocks, int groups, const std::int8_t* weights, int queries,
              const std::int32_t* thresholds, NibbleHits* hits) {
  const int size = groups * kNibbleDims;
  int q = 0;
  for (; q + 8 <= queries; q += 8) scan_of<8>(codes, blocks, groups, weights + q * size, thresholds + q, hits + q);
  for (; q + 4 <= queries; q += 4) scan_of<4>(codes, blocks, groups, weights + q * size, thresholds + q, hits + q);
  for (; q < queries; ++q) scan_of<1>(codes, blocks, groups, weights + q * size, thresholds + q, hits + q);
}
}  // namespace vnni
#pragma GCC pop_options
#endif

const std::vector<NibbleKernel>& kernels() {
  static const std::vector<NibbleKernel> all = [] {
    std::vector<NibbleKernel> out;
#ifdef EUTERPE_NIBBLES_X86
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
      out.push_back({"vnni", vnni::scan});
    if (__builtin_cpu_supports("avx2")) out.push_back({"avx2", avx2::scan});
#endif
    out.push_back({"generic", generic::scan});
    return out;
  }();
  return all;
}

}  // namespace

const NibbleKernel& nibble_kernel() { return kernels().front(); }

const NibbleKernel* nibble_kernel(int number) {
  return number < static_cast<int>(kernels().size()) ? &kernels()[static_cast<std::size_t>(number)] : nullptr;
}

}  // namespace euterpe
