#include "evaluate/score_heads.hpp"

namespace euterpe {

nlohmann::json evaluate_composer(const EvaluateOptions& options) {
  return tested_report(test_score_heads(options, ScoreTask::composer, true), options.seed);
}

}  // namespace euterpe
