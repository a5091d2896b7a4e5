#pragma once
/// Trains SASRec (nn/sasrec.hpp) on listening histories.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"
#include "nn/sasrec.hpp"

namespace euterpe {

/// What is known of items beside who heard them: a new item is placed by it before anyone has.
struct ItemContent {
  int width = 0;              ///< numbers of an item
  std::vector<float> values;  ///< [items × width], zeros = this item has none
  /// Share of the items with content that a step knows by it alone (Volkovs et al. 2017).
  double dropout = 0.5;
};

struct SasRecTraining {
  /// `vocabulary` is taken from the items, `context` is how much of a history one step sees.
  TransformerOptions network{.d_model = 64, .layers = 2, .heads = 2, .ff = 128, .context = 50, .dropout = 0.3};
  std::string loss = "softmax";  ///< "softmax", "sampled", "bce" or "gbce"
  int negatives = 512;           ///< of a batch where sampled, of a step with gbce; bce has one
  double calibration = 0.75;     ///< gbce's t, 0 … 1
  bool bf16 = false;             ///< matrix products in bf16
  ItemContent content;           ///< width 0 = none
  std::filesystem::path run;     ///< checkpoints, curves; what was interrupted there is resumed
  std::uint64_t seed = 1;
  std::int64_t epochs = 100;  ///< passes over all listeners
  int batch = 128;            ///< listeners a step
  double learning_rate = 2e-3, weight_decay = 0.05, ema = 0.99;
  double final_rate = 0.1;              ///< share of the learning rate at the end of a cosine
  std::int64_t evaluate_every = 0;      ///< epochs between validations; 0 = there are none
  std::int64_t checkpoint_every = 100;  ///< steps
  int patience = 0;                     ///< validations without a better one before it stops, 0 = never
};

/// Listens of a history that one step is to see: twice a usual history's, 20 … 200. Longer ones are seen window by
/// window.
int usual_context(std::span<const std::vector<int>> histories);

struct SasRecReport {
  Safetensors weights;  ///< those of the best validation, or the last
  TransformerOptions network;
  std::int64_t epochs = 0, best_epoch = 0;
  double last_loss = 0, best_validation = 0;
  double seconds = 0, listeners_per_second = 0;
};

/// \param histories items below `items`, oldest first; those of fewer than two are passed over, of longer ones than
/// `context` + 1 a window is seen, half of the time the latest
/// \param validate higher is better; called with the averaged weights where `evaluate_every` says so; may be empty
/// Error{usage} for options that make no training, Error{bad_input} where no history has two items, Error{interrupted}
/// after a checkpoint on SIGINT.
SasRecReport train_sasrec(std::span<const std::vector<int>> histories, int items, const SasRecTraining& options,
                          const std::function<double(const SasRec&)>& validate = {});

}  // namespace euterpe
