#pragma once
/// The melody of a score: the line that a listener would sing.
#include <cstddef>
#include <optional>
#include <vector>

#include "score/annotation.hpp"
#include "score/score.hpp"

namespace euterpe {

struct ScoreMelody {
  std::optional<std::size_t> track;  ///< of Score::tracks that carries it; none: the highest notes of all
  std::vector<Note> notes;           ///< in order of time, one at a time: a note is cut where the next begins
};

/// One part if the score has several and one of them sings (one note at a time, on top, much of the piece), else the
/// highest line of all notes without those that only accompany. Drums are left out; names and programs are not asked.
ScoreMelody score_melody(const Score& score);

/// The same as a curve, Hz (A4 = 440) every `hop` seconds; longer steps where there would be over four million.
MelodyTrack melody_track(const Score& score, const ScoreMelody& melody, double hop = 0.01);

}  // namespace euterpe
