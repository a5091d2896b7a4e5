#include "score/piano_roll.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {

PianoRoll piano_roll(const Score& score, int steps_per_quarter, bool with_drums) {
  EUTERPE_ASSERT(steps_per_quarter >= 1 && steps_per_quarter <= 96 && score.ticks_per_quarter >= 1);
  constexpr std::int64_t kMaxSteps = 1'000'000;
  const std::int64_t tpq = score.ticks_per_quarter;
  const auto step = [&](std::int64_t tick) {
    // Whole quarters first: a tick far out times the steps could overflow.
    return tick / tpq * steps_per_quarter + (tick % tpq * steps_per_quarter * 2 + tpq) / (2 * tpq);
  };

  const std::vector<Note> notes = score.merged_notes(with_drums);
  std::int64_t steps = 0;
  for (const Note& n : notes) {
    if (n.end() / tpq > kMaxSteps || std::max(step(n.start) + 1, step(n.end())) > kMaxSteps) {
      throw Error(Category::bad_input, "piano_roll", "the score is longer than 1,000,000 steps",
                  "a note's time is probably damaged");
    }
    steps = std::max({steps, step(n.start) + 1, step(n.end())});
  }

  PianoRoll roll{steps_per_quarter, static_cast<int>(steps), {}, {}};
  roll.velocity.assign(static_cast<std::size_t>(steps) * 128, 0);
  roll.onset.assign(roll.velocity.size(), 0);
  for (const Note& n : notes) {
    const std::int64_t begin = step(n.start), end = std::max(begin + 1, step(n.end()));
    for (std::int64_t s = begin; s < end; ++s) {
      auto& cell = roll.velocity[static_cast<std::size_t>(s) * 128 + n.pitch];
      cell = std::max(cell, n.velocity);
    }
    roll.onset[static_cast<std::size_t>(begin) * 128 + n.pitch] = 1;
  }
  return roll;
}

}  // namespace euterpe
