#pragma once
/// What the three stages of the autoencoder's training share: the codec, its prior, and the decoder that finishes.
#include <torch/torch.h>

#include "train/trainer.hpp"
#include "train/vae.hpp"

namespace euterpe {

torch::Device vae_device();
/// \param stage its folder below the run's, emptied where what was learned there began from something else
/// \param start a hash of what it begins from
TrainerOptions vae_stage(const VaeTraining& options, const char* stage, std::int64_t steps, double learning_rate,
                         const std::string& start);
/// Matrices become a byte a weight with a scale for each row, half of what bf16 takes.
void round_matrices(Safetensors& file);

/// Latents from the prior are never quite right, least of all in what single notes owe each other. So the decoder
/// learns to go the rest of the way from any point of the flow, told by the prior's context what stands before: near
/// noise it is a language model of bars, at the end of the flow the decoder that it was. The prior learns on beside it,
/// for what note follows which says more precisely what of earlier bars matters than the flow does. The encoder stays.
/// \param report whose weights are those of the first two stages; the decoder's and the prior's are replaced
TrainingReport train_finish(const GridCorpus& corpus, const VaeTraining& options, VaeReport& report);

}  // namespace euterpe
