#pragma once
/// Trains the autoencoder of bars and the prior over its latents.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/latent_prior.hpp"
#include "nn/vae.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {

/// The loss of a bar is its evidence lower bound with two changes (Kingma and Welling 2014, equation 3):
///
///     −log p(bar | z) + β Σ_k max(λ, KL_k),    z = μ + σ ε,    KL_k = ½ (μ_k² + σ_k² − 1 − ln σ_k²)
///
/// λ, the free bits, is granted to each dimension's mean over the batch (Kingma et al. 2016); β rises from 0 anew in
/// each cycle (Fu et al. 2019).
struct VaeTraining {
  std::filesystem::path run;  ///< folders codec, prior and finish for checkpoints, metrics and TensorBoard events
  VaeOptions network;
  LatentPriorOptions
      prior;  ///< latent and styles follow from the network and the corpus, and what the decoder is told from it
  std::uint64_t seed = 1;
  std::int64_t steps = 14000;
  int notes = 512;  ///< a step: more steps learned more from the same time than larger ones
  double learning_rate = 2e-3;
  double beta = 0.1;        ///< the greatest; 1 = the bound itself
  double free_bits = 0.01;  ///< λ, nats
  int cycles = 4;           ///< the last goes on at the greatest β
  std::int64_t prior_steps = 6000;
  int prior_pieces = 16;  ///< a step
  int prior_bars = 24;    ///< of each, at most
  double prior_learning_rate = 1.5e-3;
  std::int64_t finish_steps = 10000;  ///< in which the decoder learns to finish latents on their way, 0 = it does not
  int finish_notes = 1024;            ///< a step
  double finish_learning_rate = 1e-3;
  double seconds = 0;  ///< stop each stage after so long in this process, 0 = no limit
  bool bf16 = false;
};

struct VaeReport {
  Safetensors weights;  ///< vae.… and prior.…
  VaeOptions network;
  LatentPriorOptions prior;
  std::int64_t steps = 0, prior_steps = 0, finish_steps = 0, parameters = 0;
  double validation = 0;         ///< nats a note from the mean of q, styles weighted equally
  double prior_validation = 0;   ///< squared error of the flow, a dimension
  double finish_validation = 0;  ///< nats a note of latents anywhere on their way, and the flow's error
  double seconds = 0, notes_per_second = 0, bars_per_second = 0;
};

/// Resumes any of the three stages from the run folder. The same seed gives the same weights, interrupted or not.
/// Error{interrupted} after a checkpoint.
VaeReport train_vae(const GridCorpus& corpus, const VaeTraining& options);

}  // namespace euterpe
