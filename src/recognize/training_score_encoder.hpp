#pragma once
/// `train score-encoder`: the note encoder that the heads for scores stand on.
#include "recognize/trainer.hpp"

namespace euterpe {

const RecognizerTrainer& score_encoder_trainer();

}  // namespace euterpe
