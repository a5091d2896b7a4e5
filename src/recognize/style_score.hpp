#pragma once
/// Style of symbolic music: a perceptron ensemble over score_features().
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/mlp.hpp"
#include "nn/model.hpp"
#include "score/descriptors.hpp"

namespace euterpe {

/// Passages longer than this are judged in windows of it: 16 bars of 16 sixteenths.
inline constexpr int kStyleWindow = 256;
/// Fewer notes than this tell no style.
inline constexpr std::size_t kStyleMinNotes = 4;

class StyleScoreModel {
 public:
  /// Error{not_found | newer_version | bad_input}; Error{unsupported} if the model is of another task or other
  /// descriptors.
  static StyleScoreModel load(std::string_view name = "style-score");
  StyleScoreModel(MlpEnsemble network, std::vector<std::string> labels);

  const std::vector<std::string>& labels() const { return labels_; }
  /// One passage as it is, best of at most kStyleWindow sixteenths. [labels], sum 1.
  std::vector<double> probabilities(std::span<const GridNote> passage) const;
  /// Penultimate layer of the first member, for distances between passages: few enough numbers that a covariance can be
  /// estimated from a hundred of them.
  std::vector<float> embedding(std::span<const GridNote> passage) const;
  /// A whole piece: mean over its windows, weighted by their notes. Error{bad_input} below kStyleMinNotes notes.
  std::vector<double> piece_probabilities(std::span<const GridNote> notes) const;

  const Model& model() const { return model_; }  ///< name, card and hash; empty if not loaded from disk

 private:
  MlpEnsemble network_;
  std::vector<std::string> labels_;
  Model model_;
};

/// Windows of kStyleWindow sixteenths without overlap from the first note on; one shorter than half a window is joined
/// to none but left out, unless it is the only one. Windows with fewer than kStyleMinNotes notes are left out.
std::vector<std::vector<GridNote>> style_windows(std::span<const GridNote> notes);
/// score_features() of each window, of all notes together where no window holds enough of them; empty below
/// kStyleMinNotes notes.
std::vector<std::vector<float>> style_views(const Score& score);

/// labels of a style model's card, checked against the network's outputs and the number of descriptors.
std::vector<std::string> style_labels(const Model& model, const MlpEnsemble& network, std::string_view task,
                                      std::size_t descriptors);

}  // namespace euterpe
