#include "recognize/style_audio.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "media/decode.hpp"
#include "recognize/style_score.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace {

constexpr double kShortest = 0.25;        // seconds
constexpr float kSilence = 1.0f / 32768;  // one step of 16-bit audio

bool silent(const AudioBuffer& audio) {
  return std::none_of(audio.samples.begin(), audio.samples.end(), [](float s) { return std::abs(s) > kSilence; });
}

}  // namespace

StyleAudioModel::StyleAudioModel(MlpEnsemble network, std::vector<std::string> labels)
    : network_(std::move(network)), labels_(std::move(labels)) {
  EUTERPE_ASSERT(network_.outputs() == labels_.size() && network_.inputs() == audio_feature_names().size());
}

StyleAudioModel StyleAudioModel::load(std::string_view name) {
  Model model = find_model(name);
  MlpEnsemble network = MlpEnsemble::from(model.weights());
  auto labels = style_labels(model, network, "style-audio", audio_feature_names().size());
  StyleAudioModel loaded(std::move(network), std::move(labels));
  loaded.model_ = std::move(model);
  return loaded;
}

std::vector<double> StyleAudioModel::probabilities(const AudioBuffer& excerpt) const {
  std::vector<double> mean(labels_.size(), 0.0);
  const auto views = audio_views(excerpt);
  for (const auto& view : views) {
    const auto p = network_.probabilities(view);
    for (std::size_t i = 0; i < p.size(); ++i) mean[i] += p[i] / static_cast<double>(views.size());
  }
  return mean;
}

std::vector<double> StyleAudioModel::file_probabilities(const std::filesystem::path& path) const {
  const double duration = probe_audio(path).duration;
  const int excerpts = std::clamp(static_cast<int>(duration / kStyleExcerpt), 1, kStyleMaxExcerpts);
  std::vector<double> mean(labels_.size(), 0.0);
  int heard = 0;
  double longest = 0;
  for (int i = 0; i < excerpts; ++i) {
    // Excerpts stand in the middle of equal parts of the recording.
    const double start = std::max(0.0, (i + 0.5) * duration / excerpts - kStyleExcerpt / 2);
    const AudioBuffer audio = decode(path, {kStyleRate, 1, start, kStyleExcerpt});
    longest = std::max(longest, audio.duration().value);
    if (audio.duration() < Seconds(kShortest) || silent(audio)) continue;
    const auto p = probabilities(audio);
    for (std::size_t c = 0; c < p.size(); ++c) mean[c] += p[c];
    ++heard;
  }
  if (heard == 0)
    throw Error(Category::bad_input, "recognize",
                path.string() + (longest < kShortest ? ": shorter than a quarter of a second"
                                                     : ": silence, there is nothing to hear"));
  for (double& p : mean) p /= heard;
  return mean;
}

}  // namespace euterpe
