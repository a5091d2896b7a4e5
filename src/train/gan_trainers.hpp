#pragma once
/// `train gan` as a row of the table of trainers.
#include <span>

#include "train/trainer_row.hpp"

namespace euterpe {

std::span<const TrainerRow> gan_trainers();

}  // namespace euterpe
