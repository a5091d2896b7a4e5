#include "recognize/style_score.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "evaluate/task.hpp"
#include "recognize/metrics.hpp"
#include "recognize/training.hpp"

namespace euterpe {

nlohmann::json evaluate_style_score(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate style-score", "--folds: the sets have a stored split, there are no folds",
                "Leave --folds out; --split train, valid or test chooses the pieces.");
  const std::string split = options.split.empty() ? "test" : options.split;
  if (split != "train" && split != "valid" && split != "test")
    throw Error(Category::usage, "evaluate style-score", "--split " + split + ": expected train, valid or test");
  const StyleScoreModel model = StyleScoreModel::load(options.model.empty() ? "style-score" : options.model);
  StylePassages set = read_style_passages(options.data, split);
  if (options.limit > 0 && set.passages.size() > static_cast<std::size_t>(options.limit))
    set.passages.resize(static_cast<std::size_t>(options.limit));

  std::vector<Prediction> predictions(set.passages.size());
  parallel_for(predictions.size(), [&](std::size_t i) {
    const StylePassage& passage = set.passages[i];
    const auto label =
        std::find(model.labels().begin(), model.labels().end(), set.labels[static_cast<std::size_t>(passage.label)]);
    if (label == model.labels().end())
      throw Error(
          Category::unsupported, "evaluate style-score",
          model.model().name + " does not know the style " + set.labels[static_cast<std::size_t>(passage.label)]);
    predictions[i] = {model.probabilities(passage.notes), static_cast<int>(label - model.labels().begin())};
  });
  nlohmann::json report = classification_report(predictions, model.labels(), options.seed);
  report["split"] = split;
  report["model"] = {{"name", model.model().name}, {"hash", model.model().hash}};
  return report;
}

}  // namespace euterpe
