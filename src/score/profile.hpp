#pragma once
/// What a score is made of, in shares that can be compared and drawn.
#include <array>
#include <map>
#include <string>

#include "score/score.hpp"

namespace euterpe {

struct ScoreProfile {
  std::array<double, 12> pitch_classes{};  ///< share of the sounding time in seconds, from C; drums left out
  /// Steps of the melody, −12 … +12 semitones, an octave or more at the ends: share of each, from the highest note of
  /// an onset to that of the next, within each track.
  std::array<double, 25> intervals{};
  std::map<std::string, double> instruments;  ///< General MIDI family, or "Drums": share of the notes
  /// score_statistics() over the piece, and chord_onsets: the share of onsets at which a track strikes several notes.
  std::map<std::string, double> statistics;
};

/// All shares are 0, and no instrument is named, where there are no notes to share.
ScoreProfile profile(const Score& score);

}  // namespace euterpe
