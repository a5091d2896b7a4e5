#pragma once
/// Elementary functions without a branch, so that loops over them become vectors; for use within EUTERPE_HOT functions.
#include <bit>
#include <cstdint>

#include "signal/lanes.hpp"

namespace euterpe::vector_math {

constexpr std::uint32_t kRootHalf = 0x3f3504f3u;  ///< the bits of √½: mantissas are taken from there to √2

/// ln x for normal x > 0, to 2 units in the last place: x = 2^e · m with m in [√½, √2), ln m = 2 artanh((m − 1)/(m +
/// 1)) by its series.
EUTERPE_INLINE float log_of(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto shifted = static_cast<std::int32_t>(bits - kRootHalf);
  const float e = static_cast<float>(shifted >> 23);
  const auto mantissa = static_cast<std::uint32_t>(shifted & 0x007fffff) + kRootHalf;
  const float m = std::bit_cast<float>(mantissa);
  const float s = (m - 1.0f) / (m + 1.0f), z = s * s;
  const float series = 1.0f + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
  return e * 0.69314718f + 2.0f * s * series;
}

/// e^x = 2^n · e^r with |r| ≤ ½ ln 2, as the parts of which exp and expm1 are made.
struct Exponential {
  float scale;  ///< 2^n
  float rest;   ///< e^r − 1
};
EUTERPE_INLINE Exponential exponential(float x) {
  const float n = __builtin_rintf(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts, the first exact in few bits
  const float series =
      1 + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040))))));
  return {std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23), r * series};
}

/// e^x for |x| ≤ 80, to 2 units in the last place.
EUTERPE_INLINE float exp_of(float x) {
  const Exponential e = exponential(x);
  return e.scale + e.scale * e.rest;
}

/// e^x − 1 for |x| ≤ 80 without loss near 0.
EUTERPE_INLINE float expm1_of(float x) {
  const Exponential e = exponential(x);
  return e.scale * e.rest + (e.scale - 1.0f);
}

/// ln(1 + x) for x ≥ 0 without loss near 0: what 1 + x rounds away comes back by the derivative.
EUTERPE_INLINE float log1p_of(float x) {
  const float w = 1.0f + x;
  return log_of(w) + (x - (w - 1.0f)) / w;
}

}  // namespace euterpe::vector_math
