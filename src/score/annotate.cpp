#include "score/annotate.hpp"

#include <utility>

#include "score/beats.hpp"
#include "score/harmony.hpp"
#include "score/score_melody.hpp"
#include "score/structure.hpp"

namespace euterpe {

Annotations annotate(const Score& score) {
  Annotations result;
  result.duration = score.duration().value;
  if (score.note_count() == 0) return result;
  BeatTrack track = score_beats(score);
  result.tempo = track.tempo;
  result.beats_per_bar = track.beats_per_bar;
  result.beats = std::move(track.beats);
  const BeatEvidence evidence = beat_evidence(score);
  result.chords = estimate_chords(evidence);
  result.keys = estimate_keys(evidence, result.chords);
  result.structure = estimate_structure(score, result.beats);
  result.melody = melody_track(score, score_melody(score));
  return result;
}

}  // namespace euterpe
