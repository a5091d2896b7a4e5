#pragma once
/// What the evaluations of emotion, composer and drum style share.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluate/task.hpp"
#include "recognize/metrics.hpp"
#include "recognize/score_heads.hpp"

namespace euterpe {

struct TestedScores {
  std::vector<std::string> labels;
  std::vector<Prediction> predictions;
  std::vector<Prediction> baseline;  ///< the forest's, in the same order; empty where none was fitted
  std::vector<std::string> groups;   ///< [predictions], song, work …
  nlohmann::json facts;              ///< "split", "model", "folds" … of the report
};

/// Without --folds: the shipped weights (or --model) on what they have not learned from: where the folder's training
/// part is what the card says they learned from, the rest of it, else everything; --split train, valid, test or all
/// overrides. With --folds: fitted and tested by folds disjoint by group.
/// --encoder 1: what is fitted by folds hears the score encoder's vectors too.
/// \param with_baseline the forest over hand descriptors is fitted to the same examples
TestedScores test_score_heads(const EvaluateOptions& options, ScoreTask task, bool with_baseline);

/// Standard error of a mean over items that come in groups: √Σ_g (Σ_{i ∈ g} (x_i − mean))² / n.
double grouped_error(const std::vector<double>& values, const std::vector<std::string>& groups);

/// n, accuracy, macro_recall, ece …, accuracy_se, macro_recall_se (bootstrap over groups), baseline {accuracy, …}.
nlohmann::json tested_report(const TestedScores& tested, std::uint64_t seed);

}  // namespace euterpe
