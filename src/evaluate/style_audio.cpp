#include "recognize/style_audio.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "evaluate/task.hpp"
#include "recognize/metrics.hpp"
#include "recognize/training.hpp"

namespace euterpe {
namespace {

/// Mean probability over the views of each of `rows`' items.
std::vector<Prediction> predict(const MlpEnsemble& network, const Examples& examples) {
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < examples.size();) {
    Prediction prediction{std::vector<double>(network.outputs(), 0.0), examples.labels[i]};
    std::size_t end = i;
    while (end < examples.size() && examples.items[end] == examples.items[i]) ++end;  // an item's views stand together
    for (std::size_t j = i; j < end; ++j) {
      const auto p = network.probabilities(examples.row(j));
      for (std::size_t c = 0; c < p.size(); ++c) prediction.probabilities[c] += p[c] / static_cast<double>(end - i);
    }
    predictions.push_back(std::move(prediction));
    i = end;
  }
  return predictions;
}

double standard_error(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(values.size());
  for (double v : values) mean += v / n;
  for (double v : values) squares += (v - mean) * (v - mean);
  return n > 1 ? std::sqrt(squares / (n - 1) / n) : 0;
}

nlohmann::json by_folds(const StyleClips& clips, const EvaluateOptions& options) {
  const int classes = static_cast<int>(clips.labels.size());
  const auto fold_of = group_folds(clips.examples, classes, options.folds, options.seed);
  std::vector<Prediction> pooled;
  std::vector<double> accuracies, recalls;
  Progress progress("folds", static_cast<std::uint64_t>(options.folds), "folds");
  for (int fold = 0; fold < options.folds; ++fold) {
    std::vector<std::size_t> inside, outside;
    for (std::size_t i = 0; i < fold_of.size(); ++i) (fold_of[i] == fold ? outside : inside).push_back(i);
    // Early stopping and the temperature see the training artists alone, in folds of their own.
    const MlpEnsemble network = train_classifier_by_group(
        clips.examples.subset(inside), style_audio_options(classes, options.seed + static_cast<std::uint64_t>(fold)),
        kStyleAudioFolds);
    const auto predictions = predict(network, clips.examples.subset(outside));
    accuracies.push_back(accuracy(predictions));
    recalls.push_back(macro_recall(predictions));
    pooled.insert(pooled.end(), predictions.begin(), predictions.end());
    progress.advance();
  }
  nlohmann::json report = classification_report(pooled, clips.labels, options.seed);
  report["accuracy_se"] = standard_error(accuracies);
  report["macro_recall_se"] = standard_error(recalls);
  report["model"] = {{"name", "style-audio, trained anew for each fold"}, {"hash", nullptr}};
  return report;
}

}  // namespace

nlohmann::json evaluate_style_audio(const EvaluateOptions& options) {
  const StyleClips clips = read_style_clips(options.data);
  if (options.folds > 0) return by_folds(clips, options);
  const StyleAudioModel model = StyleAudioModel::load(options.model.empty() ? "style-audio" : options.model);
  if (model.labels() != clips.labels)
    throw Error(Category::unsupported, "evaluate style-audio",
                model.model().name + " was trained on other styles than the folders are named for",
                "Give --folds to train and test on these.");
  nlohmann::json report = classification_report(predict(model.network(), clips.examples), clips.labels, options.seed);
  report["model"] = {{"name", model.model().name}, {"hash", model.model().hash}};
  return report;
}

}  // namespace euterpe
