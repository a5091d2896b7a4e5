#pragma once
/// Trains the decoder Transformer on a shard of REMI tokens and writes it as a model (weights and card).
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "corpus/shard.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

struct StyleSampling {
  double temperature = 1, top_p = 1;
};

struct TransformerTraining {
  std::string name = "composer";                ///< the model's name in its card
  std::filesystem::path run;                    ///< run folder: checkpoint, metrics, TensorBoard events
  std::filesystem::path out;                    ///< model folder to write
  TransformerOptions network{.musical = true};  ///< vocabulary is taken from the shard
  TransformerCompute compute;
  std::string from;  ///< model to start from (its shape replaces `network`); empty = random weights
  std::uint64_t seed = 1;
  std::int64_t steps = 2000;
  std::map<std::string, double> shares;           ///< see RemiCrops
  std::map<std::string, StyleSampling> sampling;  ///< for the card: how compose draws a style; else as the parent's
  std::optional<double> emotion_guidance;         ///< for the card
  bool int8 = false;                              ///< saves matrices in eight bits a number instead of bf16
  int batch = 8;                                  ///< sequences a step, each of `network.context` tokens
  double learning_rate = 2e-3;
  double seconds = 0;  ///< stop after so long in this process, 0 = no limit
  std::int64_t evaluate_every = 200, checkpoint_every = 100;
  int patience = 0;
  int validation_sequences = 48;  ///< at most, the same ones each time
};

struct TransformerReport {
  std::int64_t steps = 0, best_step = 0, parameters = 0;
  double first_loss = 0, last_loss = 0, best_validation = 0;  ///< nats a token
  double seconds = 0, tokens_per_second = 0;
  bool stopped_early = false;
  std::vector<std::pair<std::int64_t, double>> losses, validations;
  std::vector<std::pair<std::string, double>> validation_by_style;  ///< nats a token, best weights
};

/// Batches are those of train/remi_crops.hpp. A model to start from may have an older vocabulary: what it does not know
/// yet begins at random. The card's "unmet" lists the tokens, by their numbers, that neither it nor its parents met
/// often enough to learn them; "from" holds the parent's "training" and "from". Throws Error{bad_input} if the shard
/// has no training piece, Error{usage} for a share or sampling of a style that it does not have, Error{interrupted}
/// after a checkpoint on SIGINT.
TransformerReport train_transformer(const Shard& shard, const TransformerTraining& options);

}  // namespace euterpe
