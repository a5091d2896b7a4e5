#pragma once
/// Trains the convolutional network: from scratch on many targets at once, or on from trained weights.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "corpus/media_augment_audio.hpp"
#include "nn/cnn.hpp"

namespace euterpe {

/// A linear layer on the embedding and what it is to say.
struct CnnHead {
  enum class Kind {
    classes,  ///< one of several: softmax, targets sum to 1
    labels,   ///< each present or not: logistic, targets 0 … 1
    values    ///< numbers of about unit variance: squared error; NaN = not known
  };
  std::string name;
  Kind kind = Kind::classes;
  int width = 2;
  double weight = 1;  ///< of its loss, the mean over its outputs (classes: the cross-entropy)
};

/// One piece of music as an example: chunks [views × bands × frames] in decibels of mel power, before normalization;
/// targets [views × sum of the heads' widths]. The views of one call are chunks of the same music.
using CnnDraw = std::function<void(Random& random, int views, std::span<float> chunks, std::span<float> targets)>;

struct CnnTraining {
  CnnOptions network;
  std::vector<CnnHead> heads;
  CnnDraw draw, draw_valid;           ///< training and validation examples; the latter not augmented
  nlohmann::json data;                ///< what draw() draws from, so that a run on other data is not resumed
  const Safetensors* from = nullptr;  ///< weights to start from, with normalization fixed; null = random

  std::filesystem::path run;
  std::uint64_t seed = 1;
  std::int64_t steps = 1000;
  int batch = 32;          ///< pieces of music a step
  int views = 2;           ///< chunks of each
  double contrastive = 0;  ///< weight of InfoNCE between two views of one piece (Chen et al. 2020); 0 = off
  double contrast_temperature = 0.15;
  double mix = 0.5;                ///< share of pieces that another of the batch is mixed into (Zhang et al. 2018)
  double tilt_db = 6;              ///< deviation of a smooth random equalizer; 0 = off
  double floor_probability = 0.3;  ///< of a noise floor 15 … 60 dB below the music
  SpecAugment masks{1, 20, 1, 16};
  double dropout = 0.1;  ///< on the embedding before the heads
  double learning_rate = 3e-3, weight_decay = 0.02, ema = 0.995;
  std::int64_t evaluate_every = 250, checkpoint_every = 100;
  int validation_pieces = 128;
  int patience = 0;
  double seconds = 0;  ///< 0 = no limit
};

struct CnnReport {
  Safetensors weights;  ///< of the trunk, as Cnn reads them
  Safetensors heads;    ///< NAME.weight [width × embedding], NAME.bias
  std::int64_t steps = 0, best_step = 0;
  double seconds = 0, chunks_per_second = 0, best_validation = 0;
  std::vector<std::pair<std::int64_t, double>> losses, validations;
  std::vector<std::pair<std::string, double>> validation_by_head;  ///< losses, unweighted
};

/// Resumes from the run folder; the same seed gives the same weights on the same build, interrupted or not. Runs on one
/// thread. Error{interrupted} after a checkpoint on SIGINT.
CnnReport train_cnn(const CnnTraining& options);

}  // namespace euterpe
