#pragma once
/// Training of emotion, composer and drum style from scores, and what training and evaluation by folds share.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "corpus/labeled_scores.hpp"
#include "recognize/score_heads.hpp"
#include "recognize/trainer.hpp"

namespace euterpe {

const RecognizerTrainer& score_emotion_trainer();
const RecognizerTrainer& composer_trainer();  ///< its model is composer-score
const RecognizerTrainer& drum_style_trainer();

/// The labeled scores of a task: \param path the set's own folder, or one that holds it under its name.
/// Emotion: EMOPIA, or VGMIDI where `path` is its folder. \param least files a composer has
/// Error{not_found | bad_input} naming what is missing.
LabeledScores read_labeled(ScoreTask task, const std::filesystem::path& path, int least = 17);
/// Whether the shipped weights learn from it: the published training split (of drums the beats, not the fills); of
/// composers' works, whose split is stored by us, the validation works too, for inner folds stand in for them.
bool is_learned_from(ScoreTask task, const LabeledScore& item);

/// One labeled piece as the models see it.
struct HeadExample {
  TaskEvidence evidence;
  int label = 0;
  std::string group;  ///< what must not stand on both sides of a split: song, game, work, session
  std::string id;     ///< of the piece
};
/// In the set's order; pieces that do not allow the task are left out and counted in the log. Parallel.
/// \param encoder null: no embedding
std::vector<HeadExample> head_examples(const LabeledScores& set, ScoreTask task, const ScoreEncoder* encoder);
/// Fold 0 … folds − 1 of each example, groups kept whole (group_folds()).
std::vector<int> head_folds(std::span<const HeadExample> examples, int classes, int folds, std::uint64_t seed);

/// Of each example, whether its label is among those of other folds: whether who learned from them can know it.
std::vector<bool> label_is_elsewhere(std::span<const HeadExample> examples, std::span<const int> fold);

struct HeadReport {
  std::size_t examples = 0;
  double inner_nll = 0, inner_accuracy = 0;  ///< of the ensemble on folds that its members have not learned from
  double temperature = 1;
  std::size_t judged = 0;  ///< examples that the inner folds were judged by
};

/// Fits each of the task's members; how much each counts and how sure the answer may be is decided by what members
/// fitted on the other inner folds (disjoint by group) say of each. An example whose label lives in its own fold alone
/// is learned from, but judges nobody: no member could have known the label, and what it says of it would only tell all
/// of them to doubt. Where there are fewer groups than inner folds, each piece is a group of its own, and the log says
/// so. The same seed, the same model. Error{bad_input} with fewer pieces than inner folds.
/// \param encoder if given, and for drums: one more member, the encoder tuned to the task. It takes minutes, so one
///        inner fold alone tells its temperature, and it counts as much as all others together.
/// \param run folder where that member's tuning goes on after an interrupt; empty: nothing is kept
ScoreHeads fit_score_heads(ScoreTask task, const std::vector<std::string>& labels,
                           std::span<const HeadExample> examples, std::uint64_t seed,
                           const NoteEncoder* encoder = nullptr, HeadReport* report = nullptr,
                           const std::filesystem::path& run = {});
inline constexpr int kInnerFolds = 4;

/// A detector of what is unlike the pieces of `set`. \param foreign pieces that none of the labels is right for
UnknownDetector fit_score_unknown(ScoreTask task, const LabeledScores& set, std::span<const Score> foreign,
                                  std::uint64_t seed);

/// What the ensemble is held against: a forest of 500 trees (Breiman 2001) with balanced classes over the hand
/// descriptors of whole pieces.
Forest fit_baseline(int classes, std::span<const HeadExample> examples, std::uint64_t seed);

}  // namespace euterpe
