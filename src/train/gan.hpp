#pragma once
/// Trains the GAN on piano rolls (nn/gan.hpp) and writes it as a model.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "nn/gan.hpp"
#include "train/adversarial.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {

struct GanTraining : AdversarialOptions {
  GanTraining() {
    steps = 20000;
    learning_rate_g = 1e-3;
    final_rate = 0.1;
    beta1 = 0;
    beta2 = 0.99;
    ema = 0.998;
    sample_every = 1000;
    checkpoint_every = 500;
  }
  std::string name = "gan";
  std::filesystem::path out;   ///< model folder to write; `folder` is that of the run
  GanOptions network;          ///< styles are taken from the corpus
  int critic_width = 96;       ///< channels of the discriminator
  std::string loss = "hinge";  ///< one of gan_loss_names()
  bool spectral = true;        ///< spectral norms in the discriminator
  bool minibatch_deviation = true;
  std::string penalty = "none";  ///< "none", "gradient" (Gulrajani et al. 2017) or "r1" (Mescheder et al. 2018)
  double penalty_weight = 10;
  int penalty_every = 1;  ///< steps between penalties, each of which then weighs as much more
  double match = 0.2;     ///< weight of moment matching (MomentMatching), 0 = off
  double shift = 0.5;     ///< share of the pairs that the discriminator sees in another key, 0 = off
  double slope = 1;       ///< of the neurons' gradient, to which it is annealed from 1
  int batch = 16;         ///< pairs of phrases a step
};

/// Leaves sheets of samples (sheet-STEP.png: for each style a row of real phrases over one of generated ones) and
/// sample-STYLE-STEP.mid in the run folder. Returns {training, metrics}. Error{usage} for unknown words or numbers out
/// of range, Error{bad_input} if no piece has a phrase, Error{interrupted} after a checkpoint on SIGINT.
nlohmann::json train_gan(const GridCorpus& corpus, const GanTraining& options);

}  // namespace euterpe
