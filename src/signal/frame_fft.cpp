#include "signal/frame_fft.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "signal/lanes.hpp"

namespace euterpe {
namespace {

/// One complex value of as many frames as a vector holds doubles.
template <class V>
struct alignas(2 * sizeof(V) < 64 ? 2 * sizeof(V) : 64) Point {
  V re, im;
};

/// The float vector with as many lanes as the double vector V, wherever it lies.
template <class V>
struct Narrow {
  using Floats __attribute__((vector_size(sizeof(V) / 2), aligned(4), may_alias)) = float;
};

struct Twiddle {
  double re, im;
};

Twiddle root_of_unity(std::size_t k, std::size_t n) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

/// One decimation in frequency: blocks of `size` points become `radix` blocks each, point k of the block's spectrum
/// lying in block k mod radix.
struct Level {
  std::size_t size, radix;
  std::vector<Twiddle> twiddles;  // [size / radix × radix − 1]: W^(i r), r = 1 … radix − 1
  std::vector<Twiddle> roots;     // of order radix
};

template <class V>
EUTERPE_INLINE void multiply(const V& re, const V& im, const Twiddle& w, Point<V>& out) {
  out.re = re * w.re - im * w.im;
  out.im = re * w.im + im * w.re;
}

/// a0 b0 a1 b1 … of the lower and of the upper halves.
template <class F, std::size_t... k>
EUTERPE_INLINE void interleave(const F& a, const F& b, F& low, F& high, std::index_sequence<k...>) {
  constexpr std::size_t kWidth = sizeof...(k);
  low = __builtin_shufflevector(a, b, (k / 2 + k % 2 * kWidth)...);
  high = __builtin_shufflevector(a, b, (kWidth / 2 + k / 2 + k % 2 * kWidth)...);
}

/// z[i] = (x[2i] + i x[2i + 1]) of all frames, times the window. Rows of a frame each become rows of a sample each by
/// log2(lanes) rounds of a perfect shuffle.
template <class V>
EUTERPE_INLINE void load(const float* samples, std::size_t hop, const double* window, std::size_t n, Point<V>* z) {
  using Floats = typename Narrow<V>::Floats;
  constexpr std::size_t kWidth = sizeof(V) / sizeof(double);
  auto* values = reinterpret_cast<V*>(z);
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    Floats block[kWidth], shuffled[kWidth];
    for (std::size_t l = 0; l < kWidth; ++l) block[l] = *reinterpret_cast<const Floats*>(samples + l * hop + i);
    for (std::size_t round = 1; round < kWidth; round *= 2) {
      for (std::size_t k = 0; k < kWidth / 2; ++k) {
        interleave(block[k], block[k + kWidth / 2], shuffled[2 * k], shuffled[2 * k + 1],
                   std::make_index_sequence<kWidth>());
      }
      for (std::size_t k = 0; k < kWidth; ++k) block[k] = shuffled[k];
    }
    for (std::size_t k = 0; k < kWidth; ++k) values[i + k] = __builtin_convertvector(block[k], V) * window[i + k];
  }
  for (; i < n; ++i) {
    for (std::size_t l = 0; l < kWidth; ++l) values[i][l] = static_cast<double>(samples[l * hop + i]) * window[i];
  }
}

/// One butterfly of radix 4; `w` is nothing where all twiddles are 1.
template <class V>
EUTERPE_INLINE void butterfly(Point<V>* z, std::size_t q, const Twiddle* w) {
  const Point<V> a = z[0], b = z[q], c = z[2 * q], d = z[3 * q];
  const V even_re = a.re + c.re, even_im = a.im + c.im, across_re = a.re - c.re, across_im = a.im - c.im;
  const V odd_re = b.re + d.re, odd_im = b.im + d.im, turned_re = b.im - d.im, turned_im = d.re - b.re;
  z[0].re = even_re + odd_re;
  z[0].im = even_im + odd_im;
  if (w) {
    multiply<V>(across_re + turned_re, across_im + turned_im, w[0], z[q]);
    multiply<V>(even_re - odd_re, even_im - odd_im, w[1], z[2 * q]);
    multiply<V>(across_re - turned_re, across_im - turned_im, w[2], z[3 * q]);
  } else {
    z[q] = {across_re + turned_re, across_im + turned_im};
    z[2 * q] = {even_re - odd_re, even_im - odd_im};
    z[3 * q] = {across_re - turned_re, across_im - turned_im};
  }
}

template <class V>
EUTERPE_INLINE void pass4(Point<V>* z, std::size_t size, std::size_t blocks, const Twiddle* twiddles) {
  const std::size_t q = size / 4;
  if (q == 1) {
    for (std::size_t block = 0; block < blocks; ++block) butterfly<V>(z + 4 * block, 1, nullptr);
    return;
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t i = 0; i < q; ++i) butterfly<V>(z + block * size + i, q, twiddles + 3 * i);
  }
}

/// The same for any radix by the definition of the transform; `scratch` has room for `radix` points.
template <class V>
EUTERPE_INLINE void pass_any(Point<V>* z, const Level& level, std::size_t blocks, Point<V>* scratch) {
  const std::size_t radix = level.radix, q = level.size / radix;
  for (std::size_t block = 0; block < blocks; ++block, z += level.size) {
    for (std::size_t i = 0; i < q; ++i) {
      for (std::size_t j = 0; j < radix; ++j) scratch[j] = z[i + j * q];
      for (std::size_t r = 0; r < radix; ++r) {
        Point<V> sum = scratch[0], term;
        for (std::size_t j = 1; j < radix; ++j) {
          multiply<V>(scratch[j].re, scratch[j].im, level.roots[j * r % radix], term);
          sum.re += term.re;
          sum.im += term.im;
        }
        if (r == 0) {
          z[i] = sum;
        } else {
          multiply<V>(sum.re, sum.im, level.twiddles[(radix - 1) * i + r - 1], z[i + r * q]);
        }
      }
    }
  }
}

template <class V>
EUTERPE_INLINE void pass(Point<V>* z, const Level& level, std::size_t blocks, Point<V>* scratch) {
  if (level.radix == 4) {
    pass4<V>(z, level.size, blocks, level.twiddles.data());
  } else {
    pass_any<V>(z, level, blocks, scratch);
  }
}

template <class V>
EUTERPE_INLINE void put(float* to, const V& value) {
  using Floats = typename Narrow<V>::Floats;
  *reinterpret_cast<Floats*>(to) = __builtin_convertvector(value, Floats);
}

/// Spectrum of the real frames from that of the half-length complex ones, whose bin k lies at z[place[k]]. The factor
/// ½ of the formula is in the window.
template <class V>
EUTERPE_INLINE void split(const Point<V>* z, const std::uint32_t* place, const Twiddle* twiddles, std::size_t half,
                          float* re, float* im) {
  for (std::size_t k = 0; k <= half / 2; ++k) {
    const Point<V> a = z[place[k]], b = z[place[k == 0 ? 0 : half - k]];
    const V even_re = a.re + b.re, even_im = a.im - b.im, odd_re = a.re - b.re, odd_im = a.im + b.im;
    const V turned_re = odd_im * twiddles[k].re + odd_re * twiddles[k].im;
    const V turned_im = odd_im * twiddles[k].im - odd_re * twiddles[k].re;
    const std::size_t low = k * FrameFft::kLanes, high = (half - k) * FrameFft::kLanes;
    put<V>(re + low, even_re + turned_re);
    put<V>(im + low, even_im + turned_im);
    put<V>(re + high, even_re - turned_re);
    put<V>(im + high, turned_im - even_im);
  }
}

struct Plan {
  std::size_t n = 0;
  std::vector<double> window;
  std::vector<Level> levels;
  std::vector<std::uint32_t> place;         // of each bin of the half-length spectrum
  std::vector<Twiddle> twiddles;            // W_n^k for k = 0 … n/4
  std::vector<lanes::Row> points, scratch;  // room for vectors of any width
};

/// Frames that fit the vectors, all the way; then the next ones.
template <class V>
EUTERPE_INLINE void transform(Plan& plan, const float* samples, std::size_t hop, float* re, float* im) {
  constexpr std::size_t kCached = 2048 / (sizeof(V) / sizeof(double));  // points that the first-level cache holds
  auto* z = reinterpret_cast<Point<V>*>(plan.points.data());
  auto* scratch = reinterpret_cast<Point<V>*>(plan.scratch.data());
  const std::size_t half = plan.n / 2, depth = plan.levels.size();
  for (std::size_t lane = 0; lane < FrameFft::kLanes; lane += sizeof(V) / sizeof(double)) {
    load<V>(samples + lane * hop, hop, plan.window.data(), plan.n, z);
    std::size_t d = 0;
    for (; d < depth && plan.levels[d].size > kCached; ++d) {
      pass<V>(z, plan.levels[d], half / plan.levels[d].size, scratch);
    }
    // What is left of each block is done before the next one, from that cache.
    const std::size_t part = d < depth ? plan.levels[d].size : half;
    for (std::size_t begin = 0; d < depth && begin < half; begin += part) {
      for (std::size_t e = d; e < depth; ++e) {
        pass<V>(z + begin, plan.levels[e], part / plan.levels[e].size, scratch);
      }
    }
    split<V>(z, plan.place.data(), plan.twiddles.data(), half, re + lane, im + lane);
  }
}

template <std::size_t kBytes>
struct Doubles {
  using Vector __attribute__((vector_size(kBytes), may_alias)) = double;
};

// One function for each width of vectors, chosen when the program is loaded. A vector wider than the machine's would
// work too, by way of memory and twenty times as slowly.
#if EUTERPE_HAS_CLONES
__attribute__((target("arch=x86-64-v4"), optimize("O3"))) void run(Plan& plan, const float* samples, std::size_t hop,
                                                                   float* re, float* im) {
  transform<Doubles<64>::Vector>(plan, samples, hop, re, im);
}
__attribute__((target("arch=x86-64-v3"), optimize("O3"))) void run(Plan& plan, const float* samples, std::size_t hop,
                                                                   float* re, float* im) {
  transform<Doubles<32>::Vector>(plan, samples, hop, re, im);
}
__attribute__((target("default"), optimize("O3")))
#endif
void run(Plan& plan, const float* samples, std::size_t hop, float* re, float* im) {
  transform<Doubles<16>::Vector>(plan, samples, hop, re, im);
}

}  // namespace

struct FrameFft::Impl : Plan {};

FrameFft::FrameFft(int n, std::span<const double> window) : impl_(std::make_unique<Impl>()) {
  EUTERPE_ASSERT(n >= 2 && n <= 1 << 20 && n % 2 == 0 && window.size() == static_cast<std::size_t>(n));
  Impl& impl = *impl_;
  impl.n = static_cast<std::size_t>(n);
  impl.window.assign(window.begin(), window.end());
  for (double& w : impl.window) w *= 0.5;
  const std::size_t half = impl.n / 2;
  impl.place.assign(1, 0);
  std::size_t most = 1;
  for (std::size_t size = half; size > 1;) {
    std::size_t radix = size % 4 == 0 ? 4 : 2;
    while (size % radix != 0) ++radix;
    Level level{size, radix, {}, {}};
    for (std::size_t i = 0; i < size / radix; ++i) {
      for (std::size_t r = 1; r < radix; ++r) level.twiddles.push_back(root_of_unity(i * r, size));
    }
    for (std::size_t j = 0; j < radix; ++j) level.roots.push_back(root_of_unity(j, radix));
    most = std::max(most, radix);
    impl.levels.push_back(std::move(level));
    size /= radix;
  }
  // Bin radix · m + r of a block is bin m of its block r.
  for (auto level = impl.levels.rbegin(); level != impl.levels.rend(); ++level) {
    std::vector<std::uint32_t> wider(level->size);
    const std::size_t part = level->size / level->radix;
    for (std::size_t k = 0; k < wider.size(); ++k) {
      wider[k] = static_cast<std::uint32_t>(k % level->radix * part) + impl.place[k / level->radix];
    }
    impl.place = std::move(wider);
  }
  for (std::size_t k = 0; k <= half / 2; ++k) impl.twiddles.push_back(root_of_unity(k, impl.n));
  constexpr std::size_t kRows = 2;  // the widest point: two vectors of eight doubles
  impl.points.resize(half * kRows);
  impl.scratch.resize(most * kRows);
}
FrameFft::~FrameFft() = default;
FrameFft::FrameFft(FrameFft&&) noexcept = default;

void FrameFft::forward(const float* samples, std::size_t hop, float* re, float* im) {
  run(*impl_, samples, hop, re, im);
}

}  // namespace euterpe
