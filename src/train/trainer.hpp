#pragma once
/// The training loop that every network here goes through: AdamW, warm-up and cosine, clipping, EMA, checkpoints that
/// resume exactly, metrics to JSONL and TensorBoard, early stopping, progress.
///
/// This header needs libtorch and stays within train/; commands use the torch-free headers of each network.
#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/random.hpp"

namespace euterpe {

struct TrainerOptions {
  std::filesystem::path folder;  ///< run folder: checkpoint.safetensors, metrics.jsonl, events.out.tfevents.*
  std::uint64_t seed = 1;
  std::int64_t steps = 1000;
  double learning_rate = 1e-3;
  double final_rate = 0.05;    ///< the cosine ends at this share of learning_rate
  std::int64_t warmup = 100;   ///< steps
  double weight_decay = 0.05;  ///< on matrices only
  double beta1 = 0.9, beta2 = 0.98;
  double clip = 1.0;                    ///< global gradient norm; 0 = off
  double ema = 0.998;                   ///< decay of the averaged weights; 0 = off
  std::int64_t evaluate_every = 200;    ///< steps between validations
  std::int64_t checkpoint_every = 100;  ///< steps: kill -9 loses at most so many
  int patience = 0;                     ///< validations without improvement before stopping; 0 = never
  double seconds = 0;                   ///< stop after so much time in this process; 0 = no limit
};

/// What is trained. Batches and masks must depend only on the Random that is handed in: it is a function of seed and
/// step, which is why a resumed run repeats the interrupted one bit for bit.
struct TrainingTask {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  /// Loss of one step, a scalar that can be differentiated: the mean over the items by whose number `items` is raised.
  std::function<torch::Tensor(Random& random, std::int64_t& items)> loss;
  /// Called before each loss with the number of the step, from 0; may be empty.
  std::function<void(std::int64_t step)> begin_step;
  /// Validation loss with the averaged weights in place.
  std::function<double()> validate;
  std::string unit = "tokens";
  /// `loss` draws the whole batch and computes only this process's share of it (train/data_parallel.hpp). Without it,
  /// training in several processes is refused.
  bool shared = false;
  /// What the batches and the network are made from; a checkpoint of another recipe is not resumed.
  nlohmann::json recipe = nlohmann::json::object();
};

struct TrainingReport {
  std::int64_t steps = 0;
  double best_validation = 0, first_loss = 0, last_loss = 0;
  std::int64_t best_step = 0;
  double seconds = 0, items_per_second = 0;
  bool stopped_early = false;
  std::vector<std::pair<std::int64_t, double>> losses;       ///< (step, mean training loss since the last entry)
  std::vector<std::pair<std::int64_t, double>> validations;  ///< (step, validation loss)
};

/// Trains, resuming from the folder's checkpoint if there is one (Error{usage} if it was made with other options), and
/// leaves the best averaged weights in task.parameters, which become views of one buffer. Stops at a signal after
/// writing a checkpoint, by Error{interrupted}. Of several processes the first reads and writes the folder and
/// validates; the weights and the curve are those of one process with the whole batch, but for rounding.
TrainingReport run_training(const TrainingTask& task, const TrainerOptions& options);

}  // namespace euterpe
