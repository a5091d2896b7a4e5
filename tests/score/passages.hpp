#pragma once
/// Small pieces for the tests of passages.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "score/score.hpp"

namespace euterpe::test {

/// A melody of quavers and longer notes over a bass note a half bar, 4/4, 480 ticks; another for each seed.
inline Score tune(std::uint64_t seed, int bars = 16) {
  static constexpr int kScale[] = {0, 2, 4, 5, 7, 9, 11};
  Random random(seed);
  Score score;
  score.meters.push_back({0, 4, 4});
  Track& melody = add_track(score, "melody", 0, 0);
  int degree = static_cast<int>(random.below(7));
  for (std::int64_t at = 0; at < bars * 1920;) {
    const std::int64_t length = std::min<std::int64_t>(240 << random.below(3), bars * 1920 - at);
    degree = std::clamp(degree + static_cast<int>(random.below(7)) - 3, 0, 13);
    melody.notes.push_back(
        {at, length, static_cast<std::uint8_t>(60 + 12 * (degree / 7) + kScale[degree % 7]), 80, 0, 64});
    at += length;
  }
  Track& bass = add_track(score, "bass", 32, 1);
  for (int half = 0; half < 2 * bars; ++half)
    bass.notes.push_back({half * 960, 960, static_cast<std::uint8_t>(36 + kScale[random.below(7)]), 80, 1, 64});
  score.sort();
  return score;
}

/// `host` with its music from `at_bar` on replaced by bars [from, from + bars) of `source`, moved by `semitones`, its
/// time multiplied by `stretch`. Both 4/4, 480 ticks.
inline Score plant(Score host, const Score& source, int from, int bars, int at_bar, int semitones, double stretch) {
  const std::int64_t begin = at_bar * 1920;
  const auto end = begin + static_cast<std::int64_t>(std::lround(static_cast<double>(bars) * 1920 * stretch));
  for (std::size_t k = 0; k < host.tracks.size(); ++k) {
    auto& notes = host.tracks[k].notes;
    std::erase_if(notes, [&](const Note& n) { return n.end() > begin && n.start < end; });
    for (Note n : source.tracks[k].notes) {
      if (n.start < from * 1920 || n.start >= (from + bars) * 1920) continue;
      const auto time = [&](std::int64_t t) {
        return begin + static_cast<std::int64_t>(std::lround(static_cast<double>(t - from * 1920) * stretch));
      };
      const std::int64_t until = time(n.end());
      n.start = time(n.start);
      n.duration = until - n.start;
      n.pitch = static_cast<std::uint8_t>(n.pitch + semitones);
      notes.push_back(n);
    }
  }
  host.sort();
  return host;
}

}  // namespace euterpe::test
