#pragma once
/// The table of what `train` can make for recognition.
#include "train/trainer_row.hpp"

namespace euterpe {

using RecognizerTraining = TrainingRequest;
using RecognizerTrainer = TrainerRow;

/// All of them, in the order in which they build on each other.
std::span<const RecognizerTrainer> recognizer_trainers();

}  // namespace euterpe
