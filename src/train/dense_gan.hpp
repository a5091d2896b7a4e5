#pragma once
/// Trains the dense GAN on pictures: layers, losses, optimizer and log line of the textbook's example.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "train/adversarial.hpp"
#include "train/picture_set.hpp"

namespace euterpe {

struct DenseGanTraining : AdversarialOptions {
  DenseGanTraining() {
    steps = 20000;
    learning_rate_g = learning_rate_d = 1e-4;
    beta1 = 0.9;  // Adam's own; a smaller one keeps a larger rate from swinging
    ema = 0;
    log_every = 1;
    sample_every = checkpoint_every = 500;
  }
  std::filesystem::path out;  ///< model folder to write; `folder` is that of the run
  std::int64_t batch = 64;
  std::string loss = "nonsaturating";  ///< one of gan_loss_names(); this one is binary cross-entropy
  std::string penalty = "none";        ///< "none", "gradient" (Gulrajani et al. 2017) or "r1" (Mescheder et al. 2018)
  double penalty_weight = 10;
  bool minibatch_deviation = false;  ///< shown to the discriminator
  double noise = 0;  ///< standard deviation of instance noise (Sønderby et al. 2017), falling to 0; 0 = off
};

/// Batches go through the pictures in an order of their own each epoch; every one leaves a line in the log (epoch,
/// batch, both losses), every `sample_every` a sheet of 100 samples in run/samples, and of music eight of them in a row
/// as MIDI. Returns the card's "training" and "metrics". Error{usage} for an option out of range, Error{interrupted}
/// after a checkpoint on SIGINT.
nlohmann::json train_dense_gan(const PictureSet& pictures, const DenseGanTraining& options);

}  // namespace euterpe
