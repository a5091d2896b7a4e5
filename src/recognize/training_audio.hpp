#pragma once
/// Training of the heads over recordings: style with emotion, and instrument.
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "recognize/audio_clips.hpp"
#include "recognize/audio_heads.hpp"
#include "recognize/trainer.hpp"

namespace euterpe {

struct AudioHeadOptions {
  std::string task = "style";  ///< what the labels answer
  double gamma = 0.1;          ///< width of the kernel, KernelOptions::gamma
  double ridge = 0.3;          ///< KernelOptions::ridge
  /// What the machine is given and its share in the kernel.
  std::vector<std::pair<AudioPart, double>> parts{{AudioPart::descriptors, 1}};
  /// The same of the machine that foretells emotions, where there are votes.
  std::vector<std::pair<AudioPart, double>> value_parts{{AudioPart::descriptors, 1}};
  int trees = 300;  ///< of the forest that foretells emotions beside the machine; 0 = the machine alone
  int folds = 5;    ///< disjoint by group, to calibrate on clips not learned from
  std::uint64_t seed = 1;
};

struct AudioHeadReport {
  double unseen_nll = 0, unseen_accuracy = 0;  ///< on the folds' held-out groups, after calibration
  std::vector<double> unseen_pearson;          ///< of each emotion there; empty without votes
};

/// One head for the labels, and where all chosen clips have votes two more, "emotion" and "valence-arousal".
/// Every class counts the same, however many clips it has. The temperature is fitted on clips of groups that the
/// machine of their fold has not learned from, and so is how far values spread. The same seed gives the same heads,
/// whatever the number of threads. \param chosen indices into clips.clips Error{bad_input} if a label has no clip,
/// there are fewer than two labels, or fewer than two groups.
AudioHeads fit_audio_heads(const AudioClips& clips, std::span<const std::size_t> chosen, std::size_t width,
                           const AudioHeadOptions& options, AudioHeadReport* report = nullptr);

/// Fold 0 … folds − 1 of each clip: groups whole, folds nearly equal in each class. Error{bad_input} with fewer groups
/// than folds.
std::vector<int> clip_folds(const AudioClips& clips, std::span<const std::size_t> chosen, int folds,
                            std::uint64_t seed);

/// Valence and arousal, −1 … 1, of mean votes: the emotions' places in Russell's plane (1980), weighted by the votes.
/// \param votes in the order of emotion_labels()
std::pair<double, double> valence_arousal(std::span<const double> votes);

/// What the trainers and the evaluation by folds make of the settings. Error{usage} for one out of its range.
/// \param task "style" or "instrument"
AudioHeadOptions audio_head_options(const RecognizerTraining& training, const char* task);
/// Every setting of the row at its default.
RecognizerTraining default_training(const RecognizerTrainer& trainer);

const RecognizerTrainer& style_audio_trainer();
const RecognizerTrainer& instrument_trainer();

}  // namespace euterpe
