#pragma once
/// What heads over recordings answer for clips of known label: the shipped ones, or by folds.
#include <vector>

#include "evaluate/task.hpp"
#include "recognize/training_audio.hpp"

namespace euterpe {

struct AudioAnswers {
  AudioClips clips;
  std::vector<std::vector<Answer>> answers;  ///< of each clip, one a head
  std::vector<int> folds;                    ///< of each clip; empty where shipped weights answered
  std::vector<std::string> labels;           ///< of the head that answers `task`, sorted
  nlohmann::json model;                      ///< {name, hash}
};

/// Without options.folds the model named (or `trainer.name`) answers; else for each fold, disjoint by artist, heads are
/// trained on the others by the trainer's defaults, and calibrated within them.
/// \param task of the head whose labels the folders are named for
/// \param set folder below the data root
/// Error{unsupported} where a folder is named for no label of the model.
AudioAnswers audio_answers(const EvaluateOptions& options, const RecognizerTrainer& trainer, const char* task,
                           const char* set);

/// The numbers of an answer in the order of `labels`; missing labels are 0.
std::vector<double> numbers_of(const Answer& answer, const std::vector<std::string>& labels);

/// classification_report() of the head that answers `task`, with accuracy_se and macro_recall_se over the folds, or
/// over the clips where there are none.
nlohmann::json audio_classification(const AudioAnswers& found, const char* task, std::uint64_t seed);

}  // namespace euterpe
