#pragma once
/// Emotion, composer and drum style of a score, each by an ensemble over what several views of its notes say.
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/kernel_machine.hpp"
#include "nn/mlp.hpp"
#include "nn/model.hpp"
#include "recognize/answer.hpp"
#include "recognize/forest.hpp"
#include "recognize/note_member.hpp"
#include "recognize/score_encoder.hpp"
#include "recognize/sparse_linear.hpp"
#include "recognize/unknown.hpp"
#include "score/note_ngrams.hpp"
#include "score/score.hpp"

namespace euterpe {

/// What can be asked of a score.
enum class ScoreTask { emotion, composer, drum_style };
const char* name(ScoreTask task);        ///< "quadrant", "composer", "drum-style": Answer::task
const char* model_name(ScoreTask task);  ///< of the shipped model, and its card's task
/// What the encoder must not see, lest a corpus' format give the answer away (NoteHide).
unsigned hidden(ScoreTask task);
/// Fewer pitched notes (for drum style: drum notes) than this tell nothing.
inline constexpr std::size_t kScoreMinNotes = 4;

/// What a task's models look at.
struct TaskEvidence {
  /// Hand descriptors, task_feature_names(): of the whole piece for emotion and composer, of each window for drums.
  std::vector<std::vector<float>> views;
  std::vector<float> whole;                   ///< the same of the whole piece, whatever the task
  SparseVector ngrams;                        ///< note_ngrams(), for composers
  std::vector<std::vector<float>> embedding;  ///< ScoreEncoder::embed(): one vector a window
  std::vector<SequenceNote> notes;            ///< the pitched notes, or the drums
  bool flat = false;                          ///< hardly any dynamics: loudness says how the file was made, no more
};
/// Without views below kScoreMinNotes notes. \param encoder null leaves `embedding` empty
TaskEvidence task_evidence(const Score& score, ScoreTask task, const ScoreEncoder* encoder);
const std::vector<std::string>& task_feature_names(ScoreTask task);

struct ScoreEvidence {
  TaskEvidence emotion, composer;  ///< of the pitched notes
  TaskEvidence drum_style;         ///< of the drums
  const TaskEvidence& of(ScoreTask task) const;
  bool has(ScoreTask task) const { return !of(task).views.empty(); }  ///< whether it can be asked
};
ScoreEvidence score_evidence(const Score& score, const ScoreEncoder& encoder);

/// One opinion: probabilities over the labels.
struct ScoreMember {
  enum class Kind { forest, ngrams, embedding, kernel, notes };
  enum class Dynamics { any, varied, flat };  ///< TaskEvidence::flat for which it is asked
  Kind kind = Kind::forest;
  Dynamics dynamics = Dynamics::any;
  double weight = 1;          ///< share in the mean, ≥ 0
  double temperature = 1;     ///< > 0, of this member alone
  std::vector<int> features;  ///< forest: the descriptors that it knows; empty: all
  Forest forest;
  SparseLinear linear;
  MlpEnsemble network;              ///< over each window of the embedding
  KernelMachine kernel;             ///< over the whole piece's descriptors; its outputs are taken for logits
  std::optional<NoteMember> tuned;  ///< notes: the encoder with its upper blocks tuned to the task

  /// [labels], sum 1; its views' mean. The evidence has views, and an embedding where the kind wants one.
  std::vector<double> probabilities(const TaskEvidence& evidence) const;
};

class ScoreHeads {
 public:
  /// Error{not_found | newer_version | bad_input}; Error{unsupported} if the model is none of these tasks, of other
  /// descriptors, or learned with another score encoder than is installed.
  static ScoreHeads load(std::string_view name);
  ScoreHeads(ScoreTask task, std::vector<std::string> labels, std::vector<ScoreMember> members, double temperature);

  ScoreTask task() const { return task_; }
  const std::vector<std::string>& labels() const { return labels_; }
  const std::vector<ScoreMember>& members() const { return members_; }
  const Model& model() const { return model_; }  ///< empty if not loaded from disk
  bool wants_embedding() const;

  /// [labels], sum 1, calibrated. Thread-safe. Evidence without views tells nothing: all labels alike. Members that
  /// want an embedding that is not there are not asked.
  std::vector<double> probabilities(const TaskEvidence& evidence) const;
  /// Emotion: "quadrant" and "valence-arousal" (values −1 … 1: how much more likely high than low is); else one
  /// answer. Error{bad_input} where the evidence does not allow the task.
  std::vector<Answer> answers(const ScoreEvidence& evidence) const;

  /// What the training examples of each class are like, row-major [labels × descriptors], in the descriptors' own
  /// units: mean, and deviation within the class.
  const std::vector<float>& class_mean() const { return class_mean_; }
  const std::vector<float>& class_deviation() const { return class_deviation_; }
  void describe_classes(std::vector<float> mean, std::vector<float> deviation);

  /// Of a piece's views; empty where the model was trained without. Its word is in the answers.
  const UnknownDetector& unknown() const { return unknown_; }
  void tell_unknown_by(UnknownDetector detector);

  /// Weights and the card's options, as load() reads them.
  void put(Safetensors& file) const;
  nlohmann::json options() const;

 private:
  ScoreTask task_;
  std::vector<std::string> labels_;
  std::vector<ScoreMember> members_;
  double temperature_ = 1;
  std::vector<float> class_mean_, class_deviation_;
  UnknownDetector unknown_;
  Model model_;
};

/// Arousal and valence from the probabilities of Q1 … Q4: P(high), 0 … 1.
double high_arousal(std::span<const double> quadrants);
double high_valence(std::span<const double> quadrants);

/// p^(1/T), put to sum 1 again.
std::vector<double> tempered(std::span<const double> probabilities, double temperature);

}  // namespace euterpe
