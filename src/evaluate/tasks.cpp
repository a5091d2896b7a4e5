#include "evaluate/task.hpp"

namespace euterpe {

const std::vector<EvaluateTask>& evaluate_tasks() {
  static const std::vector<EvaluateTask> table{
      {"signal", "descriptors of recordings against a reference's, and their speed", evaluate_signal},
      {"key", "keys of scores, and of audio rendered from them, against annotations", evaluate_key},
      {"chords", "chords of scores, and of audio rendered from them, against annotations", evaluate_chords},
      {"beat", "beats and downbeats of scores, and of audio rendered from them, against annotations", evaluate_beat},
      {"midi", "MIDI files read, written and read again: what is equal", evaluate_midi},
      {"ingest", "a folder ingested at once, and killed three times and resumed: the same catalog", evaluate_ingest},
      {"duplicates", "re-encoded, cut and louder copies planted among recordings and found again", evaluate_duplicates},
      {"compose", "generated music against held-out real music, per style", evaluate_compose},
      {"jsb16", "likelihood of chorales: four voices on a grid of sixteenths", evaluate_jsb16},
      {"frames", "likelihood of frames of pitches: chorales in quarters, folk tunes in eighths", evaluate_frames},
      {"harmonize", "alto, tenor and bass below held-out sopranos, and the likelihood of the real ones",
       evaluate_harmonize},
      {"infill", "gaps in held-out music filled: the bars beside the real ones, and whether the seams can be told",
       evaluate_infill},
      {"control", "key, tempo, chords, density, register and emotion asked for and found in what is composed",
       evaluate_control},
      {"vae", "held-out bars encoded and decoded, ways between pieces, density and polyphony asked of the autoencoder",
       evaluate_vae},
      {"transfer", "held-out music of each style said in each other one, beside a copy and an arranger of octaves",
       evaluate_transfer},
      {"originality", "training passages planted in composed pieces and refused, held-out music let through",
       evaluate_originality},
      {"style-score", "style of a score, held-out pieces", evaluate_style_score},
      {"emotion-score", "quadrant, arousal and valence of a score, folds disjoint by song or game",
       evaluate_emotion_score},
      {"composer", "composer of a score, split by work, beside a forest over hand descriptors", evaluate_composer},
      {"drum-style", "style of a drum performance, beside a forest over hand descriptors", evaluate_drum_style},
      {"style-audio", "style of a recording, folds disjoint by artist", evaluate_style_audio},
      {"explain", "salient against random fifths of recordings and scores taken away", evaluate_explain},
      {"instrument", "instrument of a recording, folds of recordings", evaluate_instrument},
      {"emotion-audio", "nine emotions of a recording against listeners' votes, folds disjoint by artist",
       evaluate_emotion_audio},
      {"unknown", "speech, birds and noises told from music", evaluate_unknown},
      {"recommend", "next listen, leave-one-out, full ranking and 99 negatives", evaluate_recommend},
      {"reasons", "what a recommendation loses without the listens named as its reasons", evaluate_reasons},
      {"cold-start", "items that nobody has heard yet, recommended by their content", evaluate_cold_start},
      {"off-policy", "a policy judged from another's log: simulated logs of known truth, or a CSV of impressions",
       evaluate_off_policy},
      {"promote", "reach predicted and what came, in simulated promotions; what they take from others",
       evaluate_promote},
      {"identify", "degraded excerpts found, strangers refused", evaluate_identify},
  };
  return table;
}

}  // namespace euterpe
