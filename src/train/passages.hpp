#pragma once
/// `train passages`: the index that compose's gate asks, made again for a model that has learned.
#include <span>

#include "train/trainer_row.hpp"

namespace euterpe {

std::span<const TrainerRow> passage_trainers();

}  // namespace euterpe
