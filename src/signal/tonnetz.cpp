#include "signal/tonnetz.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "signal/stft_strips.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kClasses = 12, kAxes = 6;
using Basis = std::array<std::array<float, kClasses>, kAxes>;

Basis tonal_basis() {
  constexpr std::array kTurns = {7.0 / 6, 3.0 / 2, 2.0 / 3};  // of half a circle, each semitone
  constexpr std::array kRadii = {1.0, 1.0, 0.5};
  Basis basis;
  for (std::size_t circle = 0; circle < kTurns.size(); ++circle) {
    for (std::size_t c = 0; c < kClasses; ++c) {
      const double angle = std::numbers::pi * kTurns[circle] * static_cast<double>(c);
      basis[2 * circle][c] = static_cast<float>(kRadii[circle] * std::sin(angle));
      basis[2 * circle + 1][c] = static_cast<float>(kRadii[circle] * std::cos(angle));
    }
  }
  return basis;
}

}  // namespace

void tonnetz(const float* chroma, float* centroid) {
  static const Basis basis = tonal_basis();
  for (std::size_t l = 0; l < lanes::kLanes; ++l) {
    float total = 0;
    for (std::size_t c = 0; c < kClasses; ++c) total += std::abs(chroma[c * lanes::kLanes + l]);
    const float scale = total < std::numeric_limits<float>::min() ? 1 : 1 / total;
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      float sum = 0;
      for (std::size_t c = 0; c < kClasses; ++c) sum += basis[axis][c] * chroma[c * lanes::kLanes + l];
      centroid[axis * lanes::kLanes + l] = sum * scale;
    }
  }
}

Matrix tonnetz(const Matrix& chroma) {
  EUTERPE_ASSERT(chroma.bins == kClasses);
  Matrix result(kAxes, chroma.frames, chroma.hop);
  std::array<lanes::Row, kAxes> strip;
  for_each_tile(chroma, [&](std::size_t first, std::size_t count, const float* tile) {
    tonnetz(tile, strip.front().value);
    put_strip(strip.front().value, first, count, result);
  });
  return result;
}

}  // namespace euterpe
