#include "compose/heard_wishes.hpp"

#include <algorithm>
#include <cmath>

#include "score/descriptors.hpp"
#include "score/harmony.hpp"

namespace euterpe {

double mean_pitch(const Score& score) {
  double sum = 0;
  for (const Track& track : score.tracks)
    for (const Note& n : track.notes) sum += n.pitch;
  return sum / std::max(1.0, static_cast<double>(score.note_count()));
}

double classes_missed(const Score& score, std::size_t bars, const ComposeOptions& o) {
  constexpr double kDensityClass = 0.5, kHeightClass = 4, kPolyphonyClass = 0.5, kFewest = 0.01;
  double out = 0;
  const double notes = static_cast<double>(score.note_count()) / static_cast<double>(std::max<std::size_t>(1, bars));
  if (o.density) out += std::abs(std::log2(std::max(notes, kFewest) / *o.density)) / kDensityClass;
  if (o.height) out += std::abs(mean_pitch(score) - *o.height) / kHeightClass;
  if (o.polyphony)
    out += std::abs(score_statistics(grid_notes(score), static_cast<int>(bars)).at("polyphony") - *o.polyphony) /
           kPolyphonyClass;
  return out;
}

bool heard_in(const Score& score, const KeyEstimate& key) {
  const KeyEstimate heard = estimate_global_key(score);
  return heard.tonic == key.tonic && heard.minor == key.minor;
}

}  // namespace euterpe
