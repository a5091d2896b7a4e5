#pragma once
/// Style of recorded music: a perceptron ensemble over audio_features().
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "media/audio_buffer.hpp"
#include "nn/mlp.hpp"
#include "nn/model.hpp"
#include "recognize/audio_heads.hpp"

namespace euterpe {

/// Excerpts are at most this long; a longer recording is judged by several of them, spread over it.
inline constexpr double kStyleExcerpt = 30.0;  // seconds
inline constexpr int kStyleMaxExcerpts = 4;
inline constexpr int kStyleRate = 22050;  // Hz

class StyleAudioModel {
 public:
  /// Errors as for StyleScoreModel::load.
  static StyleAudioModel load(std::string_view name = "style-audio");
  StyleAudioModel(MlpEnsemble network, std::vector<std::string> labels);

  const std::vector<std::string>& labels() const { return labels_; }
  /// One excerpt, mono at kStyleRate: mean over audio_views(). [labels], sum 1.
  std::vector<double> probabilities(const AudioBuffer& excerpt) const;
  /// A file of any length: mean over its excerpts. Error{bad_input} for silence and for less than a quarter of a
  /// second.
  std::vector<double> file_probabilities(const std::filesystem::path& path) const;

  const MlpEnsemble& network() const { return network_; }
  const Model& model() const { return model_; }  ///< name, card and hash; empty if not loaded from disk

 private:
  MlpEnsemble network_;
  std::vector<std::string> labels_;
  Model model_;
};

}  // namespace euterpe
