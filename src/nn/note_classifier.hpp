#pragma once
/// A fine-tuned note encoder with heads: windows of notes to probabilities and values, without libtorch in sight.
///
/// The lower blocks are those of the shipped encoder and stay there; the upper ones, the pooling and the heads are the
/// classifier's own, so that several of them share most of their weights.
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "nn/note_encoder.hpp"

namespace euterpe {

struct NoteHead {
  std::string name;
  int outputs = 2;
  bool probabilities = true;  ///< softmax over the outputs; else each is a value of its own
};

struct NoteClassifierShape {
  std::vector<NoteHead> heads;
  int trained_layers = 2;    ///< uppermost blocks that are the classifier's own; all of them: the note vectors too
  std::size_t window = 256;  ///< notes a window, at most the encoder's context
  std::size_t windows = 32;  ///< of a piece at most, spread evenly
  unsigned hide = 0;         ///< NoteHide: what it was trained not to see
};
nlohmann::json to_json(const NoteClassifierShape& shape);
/// Error{bad_input} naming what is missing or out of range.
NoteClassifierShape note_classifier_shape(const nlohmann::json& json);

struct NoteClassifierModuleImpl;

/// Thread-safe; what it says of a window does not depend on the windows beside it.
class NoteClassifier {
 public:
  /// \param prefix of its tensors' names in `file`. Error{bad_input} naming what is missing or misshapen.
  NoteClassifier(const NoteEncoder& encoder, const NoteClassifierShape& shape, const Safetensors& file,
                 const std::string& prefix = "");

  const NoteClassifierShape& shape() const { return shape_; }
  /// Its own tensors, as the constructor reads them.
  void put(Safetensors& file, const std::string& prefix = "") const;
  /// [windows][heads][outputs]: logits (not divided by any temperature) or values.
  std::vector<std::vector<std::vector<float>>> outputs(std::span<const NoteTokens> windows) const;
  /// [windows][embedding_width()]: what the heads see.
  std::vector<std::vector<float>> embeddings(std::span<const NoteTokens> windows) const;
  int embedding_width() const;

  /// The windows that stand for a piece, as tokens. Empty for no notes.
  std::vector<NoteTokens> windows_of(std::span<const SequenceNote> piece) const;
  /// [heads][outputs] of a piece: means over its windows of log probabilities, put to sum 1 again, or of values.
  /// Error{bad_input} for a piece without notes. \param temperature divides the logits, > 0
  std::vector<std::vector<double>> piece(std::span<const SequenceNote> notes, double temperature = 1.0) const;


 private:
  NoteClassifierShape shape_;
  std::shared_ptr<const NoteClassifierModuleImpl> network_;
};

}  // namespace euterpe
