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
  std::vector<std::string> groups;   ///< [predictions], song, work, session …
  std::vector<bool> learned;         ///< [predictions], whether the label was among those learned from; empty: always
  nlohmann::json facts;              ///< "split", "model", "folds" … of the report
};

/// Without --folds: the shipped weights (or --model) on what they have not learned from: where the folder's training
/// part is what the card says they learned from, the rest of it (of drums, the published validation split), else
/// everything; --split train, valid, test or all overrides. With --folds: fitted and tested by folds disjoint by group;
/// facts["left_out"] names the members of the shipped ensemble that are not among those fitted.
/// --encoder 1 with --folds: drums have their tuned encoder in each fold (two fits of minutes a fold); the others hear
/// the score encoder's vectors too.
/// \param with_baseline the forest over hand descriptors is fitted to the same examples
/// \param by_piece folds divide groups, for comparison with what is published so
TestedScores test_score_heads(const EvaluateOptions& options, ScoreTask task, bool with_baseline,
                              bool by_piece = false);

/// Standard error of a mean over items that come in groups: √Σ_g (Σ_{i ∈ g} (x_i − mean))² / n.
double grouped_error(const std::vector<double>& values, const std::vector<std::string>& groups);

/// n, accuracy, macro_recall, ece …, accuracy_se, macro_recall_se (bootstrap over groups), baseline {accuracy, …};
/// where labels live in one fold alone, so that nobody could learn them: unlearned {n, labels}, accuracy_learned (the
/// others).
nlohmann::json tested_report(const TestedScores& tested, std::uint64_t seed);

}  // namespace euterpe
