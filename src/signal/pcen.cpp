#include "signal/pcen.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/vector_math.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kPiece = 256;  // frames whose smoothed level is kept at once

struct Factors {
  float gain, bias, power, eps, scale;  // scale: bias^power
};

/// In logarithms, as librosa has it, so that neither small nor large values lose their digits.
EUTERPE_HOT void normalize(float* data, const float* level, Factors f, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float smooth = vector_math::exp_of(-f.gain * vector_math::log_of(f.eps + level[i]));
    const float compressed = f.power * vector_math::log1p_of(data[i] * smooth / f.bias);
    data[i] = f.scale * vector_math::expm1_of(compressed);
  }
}

}  // namespace

Pcen::Pcen(std::size_t bands, double hop_seconds, const PcenOptions& options)
    : options_(options), level_(bands, 1.0), smoothed_(kPiece) {
  if (!(options.gain >= 0 && options.gain <= 1 && options.bias > 0 && options.power > 0 && options.time_constant > 0 &&
        options.eps > 0)) {
    throw Error(Category::usage, "pcen",
                "gain " + std::to_string(options.gain) + ", bias " + std::to_string(options.bias) + ", power " +
                    std::to_string(options.power),
                "the gain must lie in 0 … 1, and all else be positive");
  }
  EUTERPE_ASSERT(hop_seconds > 0);
  const double t = options.time_constant / hop_seconds;
  share_ = (std::sqrt(1 + 4 * t * t) - 1) / (2 * t * t);
}

void Pcen::process(float* data, std::size_t frames, std::size_t stride) {
  const Factors factors{static_cast<float>(options_.gain), static_cast<float>(options_.bias),
                        static_cast<float>(options_.power), static_cast<float>(options_.eps),
                        static_cast<float>(std::pow(options_.bias, options_.power))};
  for (std::size_t band = 0; band < level_.size(); ++band) {
    float* row = data + band * stride;
    double level = level_[band];
    for (std::size_t first = 0; first < frames; first += kPiece) {
      const std::size_t count = std::min(kPiece, frames - first);
      for (std::size_t i = 0; i < count; ++i) {
        level += share_ * (static_cast<double>(row[first + i]) - level);
        smoothed_[i] = static_cast<float>(level);
      }
      normalize(row + first, smoothed_.data(), factors, count);
    }
    level_[band] = level;
  }
}

Matrix pcen(Matrix power, const PcenOptions& options) {
  Pcen(power.bins, power.hop, options).process(power.data.data(), power.frames, power.frames);
  return power;
}

}  // namespace euterpe
