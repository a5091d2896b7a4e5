#include "evaluate/score_heads.hpp"

namespace euterpe {

nlohmann::json evaluate_drum_style(const EvaluateOptions& options) {
  nlohmann::json report = tested_report(test_score_heads(options, ScoreTask::drum_style, true), options.seed);
  report["groups_are"] = "sessions";
  if (options.folds == 0) return report;
  // Who knows the drummer's session has it easier; the published splits allow it.
  nlohmann::json apart = tested_report(test_score_heads(options, ScoreTask::drum_style, true, true), options.seed);
  for (const char* same : {"model", "data_set", "split", "folds"}) apart.erase(same);
  report["by_performance"] = std::move(apart);
  return report;
}

}  // namespace euterpe
