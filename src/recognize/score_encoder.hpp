#pragma once
/// The shipped note encoder over whole scores: vectors for heads, for similar pieces and for what is unlike the
/// training data.
#include <string_view>
#include <vector>

#include "nn/model.hpp"
#include "nn/note_encoder.hpp"
#include "score/score.hpp"

namespace euterpe {

class ScoreEncoder {
 public:
  /// Error{not_found | newer_version | bad_input}; Error{unsupported} if the model is of another task.
  static ScoreEncoder load(std::string_view name = "score-encoder");

  int width() const { return network_.width(); }
  const Model& model() const { return model_; }
  const NoteEncoder& network() const { return network_; }
  /// One vector of width() numbers per window of notes; windows are equally long, at most options().context notes each,
  /// and where a score has more than 64 of them, so many are spread evenly over it. Empty for a score without notes.
  /// Thread-safe. \param hide what the encoder is not to see (NoteHide)
  std::vector<std::vector<float>> embed(const Score& score, unsigned hide = 0) const;

 private:
  ScoreEncoder(Model model, NoteEncoder network) : model_(std::move(model)), network_(std::move(network)) {}
  Model model_;
  NoteEncoder network_;
};

}  // namespace euterpe
