#include "evaluate/audio_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "recognize/metrics.hpp"

namespace euterpe {
namespace {

void answer_by_folds(AudioAnswers& found, const EvaluateOptions& options, const AudioHeadOptions& head,
                     std::size_t width) {
  const auto& clips = found.clips;
  std::vector<std::size_t> all(clips.clips.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  found.folds = clip_folds(clips, all, options.folds, options.seed);
  Progress progress("folds", static_cast<std::uint64_t>(options.folds), "folds");
  parallel_for(static_cast<std::size_t>(options.folds), [&](std::size_t fold) {
    std::vector<std::size_t> inside;
    for (const std::size_t i : all)
      if (found.folds[i] != static_cast<int>(fold)) inside.push_back(i);
    AudioHeadOptions own = head;
    own.seed = options.seed + fold;
    const AudioHeads heads = fit_audio_heads(clips, inside, width, own);
    for (const std::size_t i : all)
      if (found.folds[i] == static_cast<int>(fold)) found.answers[i] = heads.answers(clips.clips[i].evidence);
    progress.advance();
  });
}

const Answer& answer_to(const std::vector<Answer>& answers, const std::string& task) {
  const auto it = std::ranges::find(answers, task, &Answer::task);
  EUTERPE_ASSERT(it != answers.end());
  return *it;
}

}  // namespace

std::vector<double> numbers_of(const Answer& answer, const std::vector<std::string>& labels) {
  std::vector<double> numbers(labels.size(), 0.0);
  for (const auto& [label, number] : answer.values) {
    const auto it = std::ranges::find(labels, label);
    if (it != labels.end()) numbers[static_cast<std::size_t>(it - labels.begin())] = number;
  }
  return numbers;
}

AudioAnswers audio_answers(const EvaluateOptions& options, const RecognizerTrainer& trainer, const char* task,
                           const char* set) {
  const AudioEncoder encoder = AudioEncoder::load();
  AudioAnswers found;
  found.clips = read_audio_clips(options.data, set, encoder);
  found.answers.resize(found.clips.clips.size());
  if (options.folds > 0) {
    RecognizerTraining training = default_training(trainer);
    training.seed = options.seed;
    const auto width = static_cast<std::size_t>(encoder.width());
    answer_by_folds(found, options, audio_head_options(training, task), width);
    found.labels = found.clips.labels;
    found.model = {{"name", fmt::format("{}, trained anew for each fold", trainer.name)}, {"hash", nullptr}};
    return found;
  }
  const AudioHeads heads = AudioHeads::load(options.model.empty() ? trainer.name : options.model);
  heads.expect_encoder(encoder.model().hash);
  const AudioHead* head = heads.head(task);
  if (head == nullptr)
    throw Error(Category::unsupported, fmt::format("evaluate {}", trainer.name),
                fmt::format("model {} has no head for {}", heads.model().name, task));
  found.labels = head->labels;
  for (const std::string& label : found.clips.labels)
    if (std::ranges::find(found.labels, label) == found.labels.end())
      throw Error(Category::unsupported, fmt::format("evaluate {}", trainer.name),
                  fmt::format("a folder is named {}, which is none of the {} labels of model {}", label,
                              found.labels.size(), heads.model().name),
                  "Give --folds to train and test on these.");
  parallel_for(found.answers.size(),
               [&](std::size_t i) { found.answers[i] = heads.answers(found.clips.clips[i].evidence); });
  found.model = {{"name", heads.model().name}, {"hash", heads.model().hash}};
  return found;
}

nlohmann::json audio_classification(const AudioAnswers& found, const char* task, std::uint64_t seed) {
  std::vector<Prediction> pooled;
  std::map<int, std::vector<Prediction>> by_fold;
  std::vector<double> hits;
  for (std::size_t i = 0; i < found.answers.size(); ++i) {
    const LabeledClip& clip = found.clips.clips[i];
    const std::string& name = found.clips.labels[static_cast<std::size_t>(clip.label)];
    Prediction prediction{numbers_of(answer_to(found.answers[i], task), found.labels),
                          static_cast<int>(std::ranges::find(found.labels, name) - found.labels.begin())};
    hits.push_back(accuracy({prediction}));
    if (!found.folds.empty()) by_fold[found.folds[i]].push_back(prediction);
    pooled.push_back(std::move(prediction));
  }
  nlohmann::json report = classification_report(pooled, found.labels, seed);
  std::vector<double> accuracies, recalls;
  for (const auto& [fold, predictions] : by_fold) {
    accuracies.push_back(accuracy(predictions));
    recalls.push_back(macro_recall(predictions));
  }
  report["accuracy_se"] = standard_error(found.folds.empty() ? hits : accuracies);
  if (!found.folds.empty()) report["macro_recall_se"] = standard_error(recalls);
  report["model"] = found.model;
  return report;
}

}  // namespace euterpe
