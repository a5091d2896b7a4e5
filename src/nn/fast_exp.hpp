#pragma once
/// e^x in straight-line code, so that loops of it become vectors.
#include <bit>
#include <cstdint>

namespace euterpe {

inline constexpr float kRoundToWhole = 12582912.0f;  ///< 1.5 · 2²³: adding it leaves whole numbers in the low bits

/// e^x with a relative error below 2e-7, x held within [−87, 88]: 2^n times a polynomial on [−ln 2 / 2, ln 2 / 2].
/// Split of ln 2 and coefficients: Cephes, expf. Inlined into every clone of its caller, whatever vectors that clone
/// has.
[[gnu::always_inline]] inline float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  const float shifted = x * 1.44269504088896341f + kRoundToWhole, n = shifted - kRoundToWhole;
  const float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * r * r + r + 1.0f;
  const std::int32_t power = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRoundToWhole);
  return y * std::bit_cast<float>((power + 127) << 23);
}

}  // namespace euterpe
