#pragma once
/// What `train` can make of bars, as rows of the same kind as the recognizers'.
#include <span>

#include "train/trainer_row.hpp"

namespace euterpe {

std::span<const TrainerRow> vae_trainers();

}  // namespace euterpe
