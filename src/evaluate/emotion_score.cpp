#include "evaluate/score_heads.hpp"

namespace euterpe {
namespace {

/// Of Q1 … Q4, 0 … 3.
bool is_aroused(int quadrant) { return quadrant < 2; }
bool is_glad(int quadrant) { return quadrant == 0 || quadrant == 3; }

}  // namespace

nlohmann::json evaluate_emotion_score(const EvaluateOptions& options) {
  const TestedScores tested = test_score_heads(options, ScoreTask::emotion, true);
  nlohmann::json report = tested_report(tested, options.seed);
  const auto add = [&](const std::vector<Prediction>& predictions, nlohmann::json& into, bool with_error) {
    std::vector<double> arousal, valence;
    double arousal_mean = 0, valence_mean = 0;
    for (const Prediction& p : predictions) {
      arousal.push_back((high_arousal(p.probabilities) > 0.5) == is_aroused(p.label));
      valence.push_back((high_valence(p.probabilities) > 0.5) == is_glad(p.label));
      arousal_mean += arousal.back() / static_cast<double>(predictions.size());
      valence_mean += valence.back() / static_cast<double>(predictions.size());
    }
    into["accuracy_4q"] = into.at("accuracy");
    into["accuracy_arousal"] = arousal_mean;
    into["accuracy_valence"] = valence_mean;
    if (!with_error) return;
    into["accuracy_4q_se"] = into.at("accuracy_se");
    into["accuracy_arousal_se"] = grouped_error(arousal, tested.groups);
    into["accuracy_valence_se"] = grouped_error(valence, tested.groups);
  };
  add(tested.predictions, report, true);
  if (report.contains("baseline")) add(tested.baseline, report["baseline"], false);
  return report;
}

}  // namespace euterpe
