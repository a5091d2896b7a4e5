#pragma once
/// What every training loop here keeps of a run: its state on disk, and the curves to look at.
#include <torch/torch.h>

#include <filesystem>
#include <fstream>
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

/// Error{usage} naming the first entry of `mine` that the checkpoint was not made with.
void require_same_recipe(const std::filesystem::path& folder, const nlohmann::json& mine, const nlohmann::json& theirs);

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
