#include "corpus/augment_score.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {

std::optional<Score> transpose(Score score, int semitones) {
  for (Track& track : score.tracks) {
    if (track.drums) continue;
    for (Note& note : track.notes) {
      constexpr int kDrumChannel = 9;
      if (note.channel == kDrumChannel) continue;
      const int pitch = note.pitch + semitones;
      if (pitch < 0 || pitch > 127) return {};
      note.pitch = static_cast<std::uint8_t>(pitch);
    }
  }
  for (KeySignature& key : score.keys) {
    if (semitones % 12 == 0) continue;
    // A semitone up is seven fifths up; modulo twelve that is a spelling with at most six signs.
    const int fifths = ((key.fifths + 7 * semitones) % 12 + 12) % 12;
    key.fifths = static_cast<std::int8_t>(fifths > 6 ? fifths - 12 : fifths);
  }
  score.sort();
  return score;
}

Score change_tempo(Score score, double factor) {
  EUTERPE_ASSERT(factor > 0);
  if (score.tempos.empty() || score.tempos.front().tick > 0) score.tempos.insert(score.tempos.begin(), Tempo{});
  for (Tempo& tempo : score.tempos)
    tempo.microseconds_per_quarter =
        static_cast<std::uint32_t>(std::clamp(std::round(tempo.microseconds_per_quarter / factor), 1.0, 16777215.0));
  return score;
}

Score jitter_velocity(Score score, double deviation, std::uint64_t seed) {
  Random random(seed);
  for (Track& track : score.tracks)
    for (Note& note : track.notes)
      note.velocity =
          static_cast<std::uint8_t>(std::clamp(std::lround(note.velocity + deviation * random.normal()), 1L, 127L));
  score.sort();
  return score;
}

Score augment(const Score& score, const ScoreAugmentation& options, std::uint64_t seed) {
  Random random(seed);
  Score result = score;
  if (options.semitones > 0) {
    const int up = static_cast<int>(random.below(2 * static_cast<std::uint64_t>(options.semitones)));
    if (auto moved = transpose(result, up - options.semitones + 1)) result = std::move(*moved);
  }
  if (options.tempo > 0) result = change_tempo(std::move(result), 1 + random.uniform(-options.tempo, options.tempo));
  if (options.velocity > 0) result = jitter_velocity(std::move(result), options.velocity, random.next());
  return result;
}

}  // namespace euterpe
