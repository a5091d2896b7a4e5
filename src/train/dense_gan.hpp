#pragma once
/// Trains the dense GAN on pictures: layers, losses, optimizer and log line of the textbook's example.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "train/picture_set.hpp"

namespace euterpe {

struct DenseGanTraining {
  std::filesystem::path run;  ///< run folder: checkpoint, metrics, TensorBoard events, samples
  std::filesystem::path out;  ///< model folder to write
  std::uint64_t seed = 1;
  std::int64_t steps = 20000;  ///< batches
  std::int64_t batch = 64;
  double learning_rate_g = 1e-4, learning_rate_d = 1e-4;
  double beta1 = 0.9, beta2 = 0.999;   ///< Adam's own; a smaller beta1 keeps a larger rate from swinging
  double ema = 0;                      ///< decay of the generator's averaged weights; 0 = off
  double final_rate = 1;               ///< both rates fall along a line to this share; 1 = they stay
  std::string loss = "nonsaturating";  ///< one of gan_loss_names(); this one is binary cross-entropy
  std::string penalty = "none";        ///< "none", "gradient" (Gulrajani et al. 2017) or "r1" (Mescheder et al. 2018)
  double penalty_weight = 10;
  bool minibatch_deviation = false;  ///< shown to the discriminator
  double noise = 0;  ///< standard deviation of instance noise (Sønderby et al. 2017), falling to 0; 0 = off
  std::int64_t sample_every = 500, checkpoint_every = 500;
  double seconds = 0;  ///< stop after so long in this process, 0 = no limit
};

/// Batches go through the pictures in an order of their own each epoch; every one leaves a line in the log (epoch,
/// batch, both losses), every `sample_every` a sheet of 100 samples in run/samples, and of music eight of them in a row
/// as MIDI. Returns the card's "training" and "metrics". Error{usage} for an option out of range, Error{interrupted}
/// after a checkpoint on SIGINT.
nlohmann::json train_dense_gan(const PictureSet& pictures, const DenseGanTraining& options);

}  // namespace euterpe
