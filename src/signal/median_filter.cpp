#include "signal/median_filter.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/lanes.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kLanes = 16, kTile = 16, kWindow = 2 * kTile - 1;

/// One value of 16 lines. Floats ≥ 0 are in the order of their bits read as integers, whose minimum and maximum are one
/// instruction each on every machine, NaN or not.
using Lanes = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

EUTERPE_INLINE void lower(Lanes& a, const Lanes& b) { a = a < b ? a : b; }
EUTERPE_INLINE void upper(Lanes& a, const Lanes& b) { a = a > b ? a : b; }
EUTERPE_INLINE void exchange(Lanes& a, Lanes& b) {
  const Lanes greater = a > b ? a : b;
  lower(a, b);
  b = greater;
}

/// Batcher's odd-even merge of every Step-th of v[From … From + N).
template <std::size_t From, std::size_t N, std::size_t Step>
EUTERPE_INLINE void odd_even_merge(Lanes* v) {
  if constexpr (2 * Step < N) {
    odd_even_merge<From, N, 2 * Step>(v);
    odd_even_merge<From + Step, N, 2 * Step>(v);
#pragma GCC unroll 16
    for (std::size_t i = From + Step; i + Step < From + N; i += 2 * Step) exchange(v[i], v[i + Step]);
  } else {
    exchange(v[From], v[From + Step]);
  }
}

template <std::size_t From, std::size_t N>
EUTERPE_INLINE void sort(Lanes* v) {
  if constexpr (N > 1) {
    sort<From, N / 2>(v);
    sort<From + N / 2, N / 2>(v);
    odd_even_merge<From, N, 1>(v);
  }
}

/// Sorts v[From … From + N) that rises and then falls (or a rotation of such).
template <std::size_t From, std::size_t N>
EUTERPE_INLINE void bitonic_sort(Lanes* v) {
  if constexpr (N > 1) {
#pragma GCC unroll 16
    for (std::size_t i = From; i < From + N / 2; ++i) exchange(v[i], v[i + N / 2]);
    bitonic_sort<From, N / 2>(v);
    bitonic_sort<From + N / 2, N / 2>(v);
  }
}

EUTERPE_INLINE void load(Lanes& v, const float* in) { std::memcpy(&v, in, sizeof v); }

/// The medians of the S windows that begin at in[0 … S). `core` holds, sorted, those S of the values common to all of
/// them that may still be a median: what all windows share is so many short of a window that the others are too small
/// or too great whatever comes. Each half of the windows shares S / 2 values more.
template <std::size_t S>
EUTERPE_INLINE void medians(const float* in, const Lanes (&core)[S], float* out) {
  if constexpr (S == 1) {
    std::memcpy(out, &core[0], sizeof core[0]);
  } else {
    constexpr std::size_t kHalf = S / 2;
#pragma GCC unroll 2
    for (std::size_t half = 0; half < 2; ++half) {
      const float* more = in + kLanes * (half == 0 ? kHalf - 1 : kWindow);
      Lanes extra[kHalf], kept[S], next[kHalf];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kHalf; ++i) load(extra[i], more + kLanes * i);
      sort<0, kHalf>(extra);
      // The S smallest of both, as a bitonic sequence, and of these the greater half.
#pragma GCC unroll 16
      for (std::size_t i = 0; i < S; ++i) {
        kept[i] = core[i];
        if (i >= kHalf) lower(kept[i], extra[S - 1 - i]);
      }
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kHalf; ++i) {
        next[i] = kept[i];
        upper(next[i], kept[i + kHalf]);
      }
      bitonic_sort<0, kHalf>(next);
      medians<kHalf>(in + kLanes * kHalf * half, next, out + kLanes * kHalf * half);
    }
  }
}

/// in: [tiles · 16 + 30][16 lanes]; out: [tiles · 16][16 lanes].
EUTERPE_HOT void median_31(const float* in, std::size_t tiles, float* out) {
  for (std::size_t tile = 0; tile < tiles; ++tile, in += kTile * kLanes, out += kTile * kLanes) {
    Lanes core[kTile];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kTile; ++i) load(core[i], in + kLanes * (kTile - 1 + i));
    sort<0, kTile>(core);
    medians<kTile>(in, core, out);
  }
}

/// out[i] = the median of in[i … i + size).
void median_of_any_size(const float* in, std::size_t n, std::size_t size, float* out, std::vector<float>& sorted) {
  sorted.assign(in, in + size);
  std::ranges::sort(sorted);
  for (std::size_t i = 0;; ++i) {
    out[i] = sorted[size / 2];
    if (i + 1 == n) return;
    const auto found = std::ranges::lower_bound(sorted, in[i]), come = std::ranges::upper_bound(sorted, in[i + size]);
    const auto gone = found == sorted.end() ? found - 1 : found;  // values that are no number leave no order
    if (come > gone) {
      std::move(gone + 1, come, gone);
      *(come - 1) = in[i + size];
    } else {
      std::move_backward(come, gone, gone + 1);
      *come = in[i + size];
    }
  }
}

/// Where the value at `i` comes from when the axis 0 … n − 1 is mirrored at both ends again and again.
std::size_t reflected(std::ptrdiff_t i, std::size_t n) {
  const auto period = static_cast<std::ptrdiff_t>(2 * n);
  const auto at = static_cast<std::size_t>((i % period + period) % period);
  return at < n ? at : 2 * n - 1 - at;
}

std::size_t tiles_of(std::size_t n) { return (n + kTile - 1) / kTile; }

}  // namespace

void median_along_time(const Matrix& values, int size, std::size_t begin, std::size_t end, float* out) {
  EUTERPE_ASSERT(size > 0 && begin < end && end <= values.frames);
  const std::size_t n = end - begin, window = static_cast<std::size_t>(size);
  std::vector<std::size_t> from(n + window - 1);
  for (std::size_t i = 0; i < from.size(); ++i)
    from[i] = reflected(static_cast<std::ptrdiff_t>(begin + i) - size / 2, values.frames);
  if (window != kWindow) {
    std::vector<float> line(from.size()), sorted;
    for (std::size_t bin = 0; bin < values.bins; ++bin) {
      const float* row = values.row(bin).data();
      for (std::size_t i = 0; i < line.size(); ++i) line[i] = row[from[i]];
      median_of_any_size(line.data(), n, window, out + bin * n, sorted);
    }
    return;
  }
  const std::size_t tiles = tiles_of(n);
  std::vector<float> in(kLanes * (tiles * kTile + kWindow - 1)), medians(kLanes * tiles * kTile);
  for (std::size_t bin = 0; bin < values.bins; bin += kLanes) {
    const std::size_t lanes = std::min(kLanes, values.bins - bin);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const float* row = values.row(bin + lane).data();
      for (std::size_t i = 0; i < from.size(); ++i) in[i * kLanes + lane] = row[from[i]];
    }
    median_31(in.data(), tiles, medians.data());
    for (std::size_t lane = 0; lane < lanes; ++lane)
      for (std::size_t i = 0; i < n; ++i) out[(bin + lane) * n + i] = medians[i * kLanes + lane];
  }
}

void median_along_frequency(const Matrix& values, int size, std::size_t begin, std::size_t end, float* out) {
  EUTERPE_ASSERT(size > 0 && begin < end && end <= values.frames);
  const std::size_t n = end - begin, window = static_cast<std::size_t>(size);
  std::vector<std::size_t> from(values.bins + window - 1);
  for (std::size_t i = 0; i < from.size(); ++i)
    from[i] = reflected(static_cast<std::ptrdiff_t>(i) - size / 2, values.bins);
  if (window != kWindow) {
    std::vector<float> line(from.size()), medians(values.bins), sorted;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < line.size(); ++k) line[k] = values.at(from[k], begin + i);
      median_of_any_size(line.data(), values.bins, window, medians.data(), sorted);
      for (std::size_t bin = 0; bin < values.bins; ++bin) out[bin * n + i] = medians[bin];
    }
    return;
  }
  const std::size_t tiles = tiles_of(values.bins);
  std::vector<float> in(kLanes * (tiles * kTile + kWindow - 1)), medians(kLanes * tiles * kTile);
  for (std::size_t i = 0; i < n; i += kLanes) {
    const std::size_t lanes = std::min(kLanes, n - i);
    for (std::size_t k = 0; k < from.size(); ++k)
      std::memcpy(&in[k * kLanes], values.row(from[k]).data() + begin + i, lanes * sizeof(float));
    median_31(in.data(), tiles, medians.data());
    for (std::size_t bin = 0; bin < values.bins; ++bin)
      std::memcpy(out + bin * n + i, &medians[bin * kLanes], lanes * sizeof(float));
  }
}

}  // namespace euterpe
