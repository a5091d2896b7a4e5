#pragma once
/// Variants of a score that are still the same music.
#include <cstdint>
#include <optional>

#include "score/score.hpp"

namespace euterpe {

/// Every pitched note moved by `semitones`, so that mode and intervals stay; drums stay, key signatures follow (spelled
/// within ±6 fifths). Nothing if a note would leave 0–127.
std::optional<Score> transpose(Score score, int semitones);

/// `factor` times as fast: the tempo map is scaled, no tick moves. Tempos beyond what MIDI can say are held at its
/// ends. \param factor > 0
Score change_tempo(Score score, double factor);

/// Every note's velocity moved by a normal deviate of `deviation`, kept within 1–127.
Score jitter_velocity(Score score, double deviation, std::uint64_t seed);

struct ScoreAugmentation {
  int semitones = 6;    ///< transposed by −(semitones − 1) … +semitones, each equally likely; 0 = off
  double tempo = 0.1;   ///< greatest change of tempo, as a share either way; 0 = off
  double velocity = 6;  ///< standard deviation of a note's velocity; 0 = off
};
/// One variant drawn with `seed`: the same seed, the same score. A transposition that does not fit is left out.
Score augment(const Score& score, const ScoreAugmentation& options, std::uint64_t seed);

}  // namespace euterpe
