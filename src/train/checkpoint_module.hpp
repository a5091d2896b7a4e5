#pragma once
/// What every training loop here keeps of a run: its state on disk, and the curves to look at.
#include <torch/torch.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/progress.hpp"
#include "nn/safetensors.hpp"
#include "train/tensorboard.hpp"

namespace euterpe {

/// \param tensor any shape, kept as float32
void store_tensor(Safetensors& file, const std::string& name, const torch::Tensor& tensor);
/// Fills `into`. Error{bad_input} if the tensor there is missing or of another shape.
void load_tensor(const Safetensors& file, const std::string& name, torch::Tensor into);

/// A run's tensors and, beside them, how it was made and what else it goes on from.
void save_run(const std::filesystem::path& checkpoint, Safetensors tensors, const nlohmann::json& recipe,
              nlohmann::json state);
/// The tensors again. \param restore is handed the state
/// Error{usage} naming the first entry of the recipe that the checkpoint was not made with, Error{newer_version},
/// Error{bad_input} where it lacks what `restore` asks of it.
Safetensors open_run(const std::filesystem::path& checkpoint, const nlohmann::json& recipe,
                     const std::function<void(const nlohmann::json& state)>& restore);

/// Every step asks for the same large tensors again. Given back to the system in between, each of their pages would be
/// faulted in and cleared anew, a tenth of a step's time.
void keep_freed_memory();

/// What a run leaves to be read: metrics.jsonl, TensorBoard's events, progress.
struct RunJournal {
  TensorboardWriter events;
  std::ofstream metrics;
  Progress progress;

  /// \param step at which this process goes on
  RunJournal(const std::filesystem::path& folder, std::int64_t step, std::int64_t steps, double seconds);
  void write(const nlohmann::json& row) { metrics << row.dump() << '\n' << std::flush; }
};

}  // namespace euterpe
