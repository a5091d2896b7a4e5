#pragma once
/// The table of evaluation tasks; `euterpe evaluate TASK` and `make results` derive from it. See docs/EVALUATE.md for
/// keys.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace euterpe {

struct EvaluateOptions {
  std::filesystem::path data;  ///< folder or file in the layout its publisher gives it
  std::string split;           ///< empty: the task's default
  int folds = 0;               ///< 0: measure shipped weights; else train and test by folds
  std::string model;           ///< empty: the task's default model
  std::uint64_t seed = 0;
  int limit = 0;  ///< 0: all; otherwise at most so many items (the report says so)
  std::map<std::string, std::string>
      extra;  ///< task-specific --name value pairs ("index-from", "queries", "truth", "history" …)
};

struct EvaluateTask {
  const char* name;
  const char* summary;
  /// Returns the task's own keys; the caller adds task, data, split, model, seed.
  /// May set "split" and "model" ({name, hash}) itself.
  nlohmann::json (*run)(const EvaluateOptions& options);
};

const std::vector<EvaluateTask>& evaluate_tasks();  ///< src/evaluate/tasks.cpp, one row a task

// One function a file:
nlohmann::json evaluate_midi(const EvaluateOptions& options);        ///< round trip of every MIDI file below data
nlohmann::json evaluate_ingest(const EvaluateOptions& options);      ///< a folder ingested whole, and with three kills
nlohmann::json evaluate_duplicates(const EvaluateOptions& options);  ///< planted copies found again
nlohmann::json evaluate_compose(const EvaluateOptions& options);
nlohmann::json evaluate_jsb16(const EvaluateOptions& options);        ///< likelihood of chorales, voice by voice
nlohmann::json evaluate_frames(const EvaluateOptions& options);       ///< likelihood of frames of pitches
nlohmann::json evaluate_harmonize(const EvaluateOptions& options);    ///< three voices below held-out sopranos
nlohmann::json evaluate_infill(const EvaluateOptions& options);       ///< gaps in held-out music filled, their seams
nlohmann::json evaluate_control(const EvaluateOptions& options);      ///< what is asked of the composer found again
nlohmann::json evaluate_vae(const EvaluateOptions& options);          ///< reconstruction, latents, ways between pieces
nlohmann::json evaluate_transfer(const EvaluateOptions& options);     ///< held-out music said in other styles
nlohmann::json evaluate_originality(const EvaluateOptions& options);  ///< planted copies refused, real music not
nlohmann::json evaluate_key(const EvaluateOptions& options);     ///< keys of scores and of recordings made from them
nlohmann::json evaluate_beat(const EvaluateOptions& options);    ///< beats and downbeats of the same
nlohmann::json evaluate_chords(const EvaluateOptions& options);  ///< chords of the same
nlohmann::json evaluate_recommend(const EvaluateOptions& options);
nlohmann::json evaluate_reasons(const EvaluateOptions& options);     ///< what a score loses without its reasons
nlohmann::json evaluate_cold_start(const EvaluateOptions& options);  ///< items that nobody has heard, by content
nlohmann::json evaluate_off_policy(const EvaluateOptions& options);  ///< policies judged from another's log
nlohmann::json evaluate_promote(const EvaluateOptions& options);     ///< predicted reach held against what came
nlohmann::json evaluate_identify(const EvaluateOptions& options);
nlohmann::json evaluate_style_audio(const EvaluateOptions& options);
nlohmann::json evaluate_instrument(const EvaluateOptions& options);
nlohmann::json evaluate_emotion_audio(const EvaluateOptions& options);
nlohmann::json evaluate_unknown(const EvaluateOptions& options);  ///< speech, birds and noises against music
nlohmann::json evaluate_emotion_score(const EvaluateOptions& options);
nlohmann::json evaluate_composer(const EvaluateOptions& options);
nlohmann::json evaluate_drum_style(const EvaluateOptions& options);
nlohmann::json evaluate_style_score(const EvaluateOptions& options);
nlohmann::json evaluate_explain(const EvaluateOptions& options);  ///< what the answer loses without its reasons
nlohmann::json evaluate_signal(const EvaluateOptions& options);   ///< descriptors beside a reference's, clip by clip

}  // namespace euterpe
