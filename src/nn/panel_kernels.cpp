#include "nn/panel_kernels.hpp"

#include <algorithm>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define EUTERPE_PANELS_X86 1
#include <immintrin.h>
#endif

// base/hot.hpp clones one source for several instruction sets; here the sets differ in how they multiply pairs of small
// integers and in how many registers hold sums, so each has its own few lines and shares panel_kernels.inc.
#define INLINE [[maybe_unused]] inline __attribute__((always_inline))
#define HOT __attribute__((optimize("O3")))
#ifdef EUTERPE_PANELS_X86  // a register that the compiler may not read again from memory
#define KEEP(vector) asm("" : "+v"(vector))
#else
#define KEEP(vector)
#endif
#define UNROLL _Pragma("GCC unroll 16")

namespace euterpe {
namespace {

namespace generic {
constexpr int kWidth = 4, kTile = 6, kVectors = 1, kTokens = 1, kBf16Panels = 1;
typedef std::int32_t Ints __attribute__((vector_size(16)));
INLINE Ints widen(const std::int8_t* p) {
  typedef std::int16_t Shorts __attribute__((vector_size(16)));
  typedef std::int8_t Bytes __attribute__((vector_size(8), aligned(1), may_alias));
  return (Ints) __builtin_convertvector(*reinterpret_cast<const Bytes*>(p), Shorts);
}
INLINE Ints dot(Ints sums, Ints a, Ints b) {
  return sums + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}
#include "nn/panel_kernels.inc"
}  // namespace generic

#ifdef EUTERPE_PANELS_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kWidth = 8, kTile = 6, kVectors = 2, kTokens = 1, kBf16Panels = 1;
typedef __m256i Ints;
INLINE Ints widen(const std::int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
INLINE Ints dot(Ints sums, Ints a, Ints b) { return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b)); }
#include "nn/panel_kernels.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")
namespace avx512 {
constexpr int kWidth = 16, kTile = 12, kVectors = 2, kTokens = 3, kBf16Panels = 2;
typedef __m512i Ints;
INLINE Ints widen(const std::int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
INLINE Ints dot(Ints sums, Ints a, Ints b) { return _mm512_add_epi32(sums, _mm512_madd_epi16(a, b)); }
#include "nn/panel_kernels.inc"
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
namespace vnni {
constexpr int kWidth = 16, kTile = 12, kVectors = 2, kTokens = 3, kBf16Panels = 2;
typedef __m512i Ints;
INLINE Ints widen(const std::int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
INLINE Ints dot(Ints sums, Ints a, Ints b) { return _mm512_dpwssd_epi32(sums, a, b); }
#include "nn/panel_kernels.inc"
}  // namespace vnni
#pragma GCC pop_options
#endif

#define KERNELS(set) \
  { #set, set::kTile, set::stream_bf16, set::stream_int8, set::tiles_bf16, set::tiles_int8 }

PanelKernels choose() {
#ifdef EUTERPE_PANELS_X86
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return __builtin_cpu_supports("avx512vnni") ? PanelKernels KERNELS(vnni) : PanelKernels KERNELS(avx512);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return KERNELS(avx2);
#endif
  return KERNELS(generic);
}

}  // namespace

const PanelKernels& panel_kernels() {
  static const PanelKernels chosen = choose();
  return chosen;
}

}  // namespace euterpe
