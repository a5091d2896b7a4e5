#include "evaluate/score_heads.hpp"

namespace euterpe {

nlohmann::json evaluate_drum_style(const EvaluateOptions& options) {
  return tested_report(test_score_heads(options, ScoreTask::drum_style, true), options.seed);
}

}  // namespace euterpe
