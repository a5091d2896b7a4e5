#pragma once
/// What `train` can make for chorales and frames, as rows of the same kind as the recognizers'.
#include <span>

#include "train/trainer_row.hpp"

namespace euterpe {

std::span<const TrainerRow> keyed_trainers();

}  // namespace euterpe
