#include "nn/rotary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace euterpe {
namespace {

/// Grid steps (12 a quarter) after which a pair has turned once, the most telling first: a bar of four, the quarter,
/// two bars, the half, four bars, the eighth, eight bars, a bar of three, two of these, the sixteenth, 16 bars, …
constexpr std::array kTimePeriods{48, 12, 96, 24, 192, 6, 384, 36, 72, 3, 768, 4, 144, 8, 16, 288, 1536, 60, 84, 54};
/// The octave; seven turns in it, which puts fifths side by side; two octaves; the range of a voice; all pitches.
struct PitchWheel {
  int period, turns;
};
constexpr std::array kPitchWheels{PitchWheel{12, 1}, PitchWheel{12, 7},  PitchWheel{48, 1},
                                  PitchWheel{24, 1}, PitchWheel{128, 1}, PitchWheel{7, 1}};

}  // namespace

RotaryAngles::RotaryAngles(const TransformerOptions& o) : pairs_(o.d_model / o.heads / 2), indices_(pairs_) {
  constexpr double kTurn = 2 * std::numbers::pi;
  const auto wheel = [](int period, int turns) {
    Wheel w{period, {}, {}};
    for (int i = 0; i < period; ++i) {
      const double angle = kTurn * i * turns / period;
      w.cosine.push_back(static_cast<float>(std::cos(angle)));
      w.sine.push_back(static_cast<float>(std::sin(angle)));
    }
    return w;
  };
  if (o.musical) {
    const auto times = std::min<std::size_t>(static_cast<std::size_t>(pairs_ * 3 / 8), kTimePeriods.size());
    const auto pitches = std::min<std::size_t>(static_cast<std::size_t>(pairs_ / 8), kPitchWheels.size());
    for (std::size_t i = 0; i < times; ++i) time_.push_back(wheel(kTimePeriods[i], 1));
    for (std::size_t i = 0; i < pitches; ++i) pitch_.push_back(wheel(kPitchWheels[i].period, kPitchWheels[i].turns));
    indices_ -= static_cast<int>(times + pitches);
  }
  for (int t = 0; t < o.context; ++t)
    for (int i = 0; i < indices_; ++i) {
      const double angle = t * std::pow(kRopeBase, -static_cast<double>(i) / indices_);
      index_cosine_.push_back(static_cast<float>(std::cos(angle)));
      index_sine_.push_back(static_cast<float>(std::sin(angle)));
    }
}

void RotaryAngles::turn(int index, MusicPlace place, float* cosine, float* sine) const {
  const auto first = static_cast<std::size_t>(index) * static_cast<std::size_t>(indices_);
  cosine = std::copy_n(index_cosine_.begin() + static_cast<std::ptrdiff_t>(first), indices_, cosine);
  sine = std::copy_n(index_sine_.begin() + static_cast<std::ptrdiff_t>(first), indices_, sine);
  const auto put = [&](const std::vector<Wheel>& wheels, int value) {
    for (const Wheel& w : wheels) {
      const int rest = value % w.period;
      const auto at = static_cast<std::size_t>(rest < 0 ? rest + w.period : rest);
      *cosine++ = w.cosine[at];
      *sine++ = w.sine[at];
    }
  };
  put(time_, place.time);
  put(pitch_, place.pitch);
}

}  // namespace euterpe
