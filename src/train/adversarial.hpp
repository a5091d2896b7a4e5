#pragma once
/// How two networks that play against each other are trained (train/adversarial_module.hpp).
#include <cstdint>
#include <filesystem>

namespace euterpe {

struct AdversarialOptions {
  std::filesystem::path folder;  ///< run folder: checkpoint.safetensors, metrics.jsonl, events.out.tfevents.*
  std::uint64_t seed = 1;
  std::int64_t steps = 1000;  ///< of the generator
  double learning_rate_g = 2e-4, learning_rate_d = 2e-4;
  double final_rate = 1;                ///< both rates fall along a straight line to this share; 1 = they stay
  double beta1 = 0.5, beta2 = 0.999;    ///< Radford et al. 2016
  int critics = 1;                      ///< steps of the discriminator before each one of the generator
  double ema = 0.999;                   ///< decay of the generator's averaged weights; 0 = off
  std::int64_t log_every = 10;          ///< steps between rows of the curve
  std::int64_t sample_every = 200;      ///< steps between samples; 0 = only after the last step
  std::int64_t checkpoint_every = 100;  ///< steps: kill -9 loses at most so many
  double seconds = 0;                   ///< stop after so much time in this process; 0 = no limit
};

}  // namespace euterpe
