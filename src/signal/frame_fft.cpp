#include "signal/frame_fft.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/lanes.hpp"

namespace euterpe {
namespace {

using lanes::Floats;
constexpr std::size_t kHalf = lanes::kBlock;  // doubles in the widest vector: the sixteen frames go in two halves
using Lanes = double __attribute__((vector_size(kHalf * sizeof(double))));

struct alignas(64) Point {
  Lanes re, im;
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

EUTERPE_INLINE void multiply(const Lanes& re, const Lanes& im, const Twiddle& w, Point& out) {
  out.re = re * w.re - im * w.im;
  out.im = re * w.im + im * w.re;
}

/// z[i] = (x[2i] + i x[2i + 1]) of all frames, times the window.
EUTERPE_HOT void load(const float* samples, std::size_t hop, const double* window, std::size_t n, Point* z) {
  auto* values = reinterpret_cast<Lanes*>(z);
  std::size_t i = 0;
  for (; i + kHalf <= n; i += kHalf) {
    Floats block[kHalf];
    for (std::size_t l = 0; l < kHalf; ++l) block[l] = *reinterpret_cast<const Floats*>(samples + l * hop + i);
    lanes::transpose(block);
    for (std::size_t k = 0; k < kHalf; ++k) values[i + k] = __builtin_convertvector(block[k], Lanes) * window[i + k];
  }
  for (; i < n; ++i) {
    for (std::size_t l = 0; l < kHalf; ++l) values[i][l] = static_cast<double>(samples[l * hop + i]) * window[i];
  }
}

EUTERPE_HOT void pass4(Point* z, std::size_t size, std::size_t blocks, const Twiddle* twiddles) {
  const std::size_t q = size / 4;
  for (std::size_t block = 0; block < blocks; ++block, z += size) {
    for (std::size_t i = 0; i < q; ++i) {
      const Point &a = z[i], &b = z[i + q], &c = z[i + 2 * q], &d = z[i + 3 * q];
      const Lanes even_re = a.re + c.re, even_im = a.im + c.im, across_re = a.re - c.re, across_im = a.im - c.im;
      const Lanes odd_re = b.re + d.re, odd_im = b.im + d.im, turned_re = b.im - d.im, turned_im = d.re - b.re;
      z[i].re = even_re + odd_re;
      z[i].im = even_im + odd_im;
      if (q == 1) {
        z[1] = {across_re + turned_re, across_im + turned_im};
        z[2] = {even_re - odd_re, even_im - odd_im};
        z[3] = {across_re - turned_re, across_im - turned_im};
      } else {
        const Twiddle* w = twiddles + 3 * i;
        multiply(across_re + turned_re, across_im + turned_im, w[0], z[i + q]);
        multiply(even_re - odd_re, even_im - odd_im, w[1], z[i + 2 * q]);
        multiply(across_re - turned_re, across_im - turned_im, w[2], z[i + 3 * q]);
      }
    }
  }
}

/// The same for any radix by the definition of the transform; `scratch` has room for `radix` points.
EUTERPE_HOT void pass_any(Point* z, std::size_t size, std::size_t radix, std::size_t blocks, const Twiddle* twiddles,
                          const Twiddle* roots, Point* scratch) {
  const std::size_t q = size / radix;
  for (std::size_t block = 0; block < blocks; ++block, z += size) {
    for (std::size_t i = 0; i < q; ++i) {
      for (std::size_t j = 0; j < radix; ++j) scratch[j] = z[i + j * q];
      for (std::size_t r = 0; r < radix; ++r) {
        Point sum = scratch[0];
        for (std::size_t j = 1; j < radix; ++j) {
          Point term;
          multiply(scratch[j].re, scratch[j].im, roots[j * r % radix], term);
          sum.re += term.re;
          sum.im += term.im;
        }
        if (r == 0) {
          z[i] = sum;
        } else {
          multiply(sum.re, sum.im, twiddles[(radix - 1) * i + r - 1], z[i + r * q]);
        }
      }
    }
  }
}

/// Spectrum of the real frames from that of the half-length complex ones, whose bin k lies at z[place[k]]. The factor
/// ½ of the formula is in the window.
EUTERPE_HOT void split(const Point* z, const std::uint32_t* place, const Twiddle* twiddles, std::size_t half, float* re,
                       float* im) {
  constexpr std::size_t kStride = FrameFft::kLanes;
  for (std::size_t k = 0; k <= half / 2; ++k) {
    const Point &a = z[place[k]], &b = z[place[k == 0 ? 0 : half - k]];
    const Lanes even_re = a.re + b.re, even_im = a.im - b.im, odd_re = a.re - b.re, odd_im = a.im + b.im;
    const Lanes turned_re = odd_im * twiddles[k].re + odd_re * twiddles[k].im;
    const Lanes turned_im = odd_im * twiddles[k].im - odd_re * twiddles[k].re;
    const std::size_t low = k * kStride, high = (half - k) * kStride;
    *reinterpret_cast<Floats*>(re + low) = __builtin_convertvector(even_re + turned_re, Floats);
    *reinterpret_cast<Floats*>(im + low) = __builtin_convertvector(even_im + turned_im, Floats);
    *reinterpret_cast<Floats*>(re + high) = __builtin_convertvector(even_re - turned_re, Floats);
    *reinterpret_cast<Floats*>(im + high) = __builtin_convertvector(turned_im - even_im, Floats);
  }
}

}  // namespace

struct FrameFft::Impl {
  std::size_t n = 0;
  std::vector<double> window;
  std::vector<Level> levels;
  std::vector<std::uint32_t> place;  // of each bin of the half-length spectrum
  std::vector<Twiddle> twiddles;     // W_n^k for k = 0 … n/4
  std::vector<Point> points, scratch;

  void run(const Level& level, Point* z, std::size_t blocks) {
    if (level.radix == 4) {
      pass4(z, level.size, blocks, level.twiddles.data());
    } else {
      pass_any(z, level.size, level.radix, blocks, level.twiddles.data(), level.roots.data(), scratch.data());
    }
  }

  /// Depth first while a block is larger than the first-level cache, so that the smaller ones are read from it.
  void transform(Point* z, std::size_t depth) {
    constexpr std::size_t kCached = 256;
    if (depth == levels.size()) return;
    const std::size_t size = levels[depth].size;
    if (size > kCached) {
      run(levels[depth], z, 1);
      const std::size_t part = size / levels[depth].radix;
      for (std::size_t r = 0; r < levels[depth].radix; ++r) transform(z + r * part, depth + 1);
    } else {
      for (; depth < levels.size(); ++depth) run(levels[depth], z, size / levels[depth].size);
    }
  }
};

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
  impl.points.resize(half);
  impl.scratch.resize(most);
}
FrameFft::~FrameFft() = default;
FrameFft::FrameFft(FrameFft&&) noexcept = default;

void FrameFft::forward(const float* samples, std::size_t hop, float* re, float* im) {
  for (std::size_t lane = 0; lane < kLanes; lane += kHalf) {
    load(samples + lane * hop, hop, impl_->window.data(), impl_->n, impl_->points.data());
    impl_->transform(impl_->points.data(), 0);
    split(impl_->points.data(), impl_->place.data(), impl_->twiddles.data(), impl_->n / 2, re + lane, im + lane);
  }
}

}  // namespace euterpe
