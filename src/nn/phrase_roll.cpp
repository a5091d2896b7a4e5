#include "nn/phrase_roll.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {
namespace {

std::size_t at(int channel, int step, int pitch) {
  return (static_cast<std::size_t>(channel) * kPhraseSteps + static_cast<std::size_t>(step)) * kRollPitches +
         static_cast<std::size_t>(pitch);
}

int steps_of(int meter) { return grid_meters()[static_cast<std::size_t>(meter)].steps; }

/// Steps of the roll in order of time.
std::vector<int> filled_steps(int meter) {
  std::vector<int> out;
  for (int bar = 0; bar < kPhraseBars; ++bar)
    for (int s = 0; s < steps_of(meter); ++s) out.push_back(bar * kMostGridSteps + s);
  return out;
}

int pitch_in_roll(int pitch) {
  while (pitch < kLowestRollPitch) pitch += 12;
  while (pitch >= kLowestRollPitch + kRollPitches) pitch -= 12;
  return pitch - kLowestRollPitch;
}

}  // namespace

std::vector<int> steps_before(int meter) {
  std::vector<int> out(kPhraseSteps, -1);
  const std::vector<int> steps = filled_steps(meter);
  for (std::size_t i = 1; i < steps.size(); ++i) out[static_cast<std::size_t>(steps[i])] = steps[i - 1];
  return out;
}

std::vector<float> phrase_roll(std::span<const GridBar> bars) {
  EUTERPE_ASSERT(bars.size() == kPhraseBars);
  std::vector<float> roll(kPhraseValues);
  const int meter = bars.front().meter, bar_steps = steps_of(meter);
  const std::vector<int> steps = filled_steps(meter);
  const int total = static_cast<int>(steps.size());
  const auto draw = [&](int part, int pitch, int from, int to) {
    const int row = pitch_in_roll(pitch), channel = part == kGridMelody ? kMelodySounds : kAccompanimentSounds;
    roll[at(channel + 1, steps[static_cast<std::size_t>(from)], row)] = 1;
    for (int t = from; t < std::min(to, total); ++t) roll[at(channel, steps[static_cast<std::size_t>(t)], row)] = 1;
  };
  struct Sung {
    int from, to, pitch;
  };
  std::vector<Sung> melody;
  for (int b = 0; b < kPhraseBars; ++b) {
    EUTERPE_ASSERT(bars[static_cast<std::size_t>(b)].meter == meter);
    for (const BarNote& n : bars[static_cast<std::size_t>(b)].notes) {
      const int from = b * bar_steps + n.onset, to = from + n.length;
      if (n.part != kGridMelody) {
        draw(n.part, n.pitch, from, to);
        continue;
      }
      if (!melody.empty() && melody.back().from == from) continue;  // the highest of an onset comes first
      if (!melody.empty()) melody.back().to = std::min(melody.back().to, from);
      melody.push_back({from, to, n.pitch});
    }
  }
  for (const Sung& n : melody) draw(kGridMelody, n.pitch, n.from, n.to);
  return roll;
}

std::vector<GridBar> roll_bars(std::span<const float> roll, int meter) {
  EUTERPE_ASSERT(roll.size() == kPhraseValues);
  std::vector<GridBar> bars(kPhraseBars, GridBar{meter, {}});
  const std::vector<int> steps = filled_steps(meter);
  for (const int part : {kGridMelody, kGridAccompaniment}) {
    const int sounds = part == kGridMelody ? kMelodySounds : kAccompanimentSounds;
    for (int pitch = 0; pitch < kRollPitches; ++pitch) {
      BarNote* held = nullptr;
      for (const int step : steps) {
        if (roll[at(sounds, step, pitch)] < 0.5F) {
          held = nullptr;
        } else if (!held || roll[at(sounds + 1, step, pitch)] >= 0.5F || held->length == kLongestGridNote) {
          auto& notes = bars[static_cast<std::size_t>(step / kMostGridSteps)].notes;
          notes.push_back({step % kMostGridSteps, part, pitch + kLowestRollPitch, 1});
          held = &notes.back();
        } else {
          ++held->length;
        }
      }
    }
  }
  for (GridBar& bar : bars) sort_grid_bar(bar);
  return bars;
}

}  // namespace euterpe
