#include "nn/small_product.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define EUTERPE_PRODUCT_X86 1
#endif

// As in nn/panel_kernels.cpp: vectors are as wide as the set's registers, so base/hot.hpp's clones of one source would
// not do.
#define INLINE [[maybe_unused]] inline __attribute__((always_inline))
#define HOT __attribute__((optimize("O3")))
#define UNROLL _Pragma("GCC unroll 16")

namespace euterpe {
namespace {

constexpr int kRows = 6;

namespace generic {
constexpr int kWidth = 4, kVectors = 2;
#include "nn/small_product.inc"
}  // namespace generic

#ifdef EUTERPE_PRODUCT_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kWidth = 8, kVectors = 2;
#include "nn/small_product.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")
namespace avx512 {
constexpr int kWidth = 16, kVectors = 4;
#include "nn/small_product.inc"
}  // namespace avx512
#pragma GCC pop_options
#endif

decltype(&generic::product) choose() {
#ifdef EUTERPE_PRODUCT_X86
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return avx512::product;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::product;
#endif
  return generic::product;
}

}  // namespace

void small_product(const StridedMatrix& a, const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride,
                   std::int64_t rows, std::int64_t inner, std::int64_t columns, bool add) {
  static const auto chosen = choose();
  chosen(a, b, b_stride, c, c_stride, rows, inner, columns, add);
}

}  // namespace euterpe
