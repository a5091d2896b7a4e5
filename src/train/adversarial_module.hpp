#pragma once
/// The training loop of two networks that play against each other (Goodfellow et al. 2014): two Adams, an average of
/// the generator's weights, checkpoints that resume exactly, curves and alarms to JSONL, TensorBoard and the log.
///
/// This header needs libtorch and stays within train/.
#include <torch/torch.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "train/adversarial.hpp"

namespace euterpe {

/// What the samples of a moment say. Alarms are known by name; the text says what is wrong, empty = all is well.
struct SampleReport {
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> alarms;
};

/// What is trained. Batches and noise must depend only on the Random that is handed in, which is a function of seed and
/// step, and on the step: so a resumed run repeats the interrupted one bit for bit.
struct AdversarialTask {
  using Named = std::vector<std::pair<std::string, torch::Tensor>>;
  Named generator, discriminator;  ///< parameters: float32 leaves
  Named buffers;  ///< what else the networks keep from step to step, such as the vectors of spectral norms
  /// Scalars that can be differentiated. `step` counts the generator's steps from 0. While the generator learns, the
  /// discriminator's parameters ask for no gradient.
  std::function<torch::Tensor(Random&random, std::int64_t step)> discriminator_loss, generator_loss;
  /// Called with the generator's averaged weights in place; writes its sheet and audio. It may not draw from any
  /// random numbers but its own, nor change a buffer.
  std::function<SampleReport(std::int64_t step)> sample;
  /// After every step, with the mean of its discriminator losses and the generator's loss; may be empty.
  std::function<void(std::int64_t step, double loss_d, double loss_g)> on_batch;
  std::int64_t batch = 0;  ///< real samples that a step of the discriminator sees, for the rate in the log
  /// What the batches and networks are made from; a checkpoint of another recipe is not resumed.
  nlohmann::json recipe = nlohmann::json::object();
};

struct AdversarialReport {
  std::int64_t steps = 0;
  double loss_d = 0, loss_g = 0;  ///< means since the last row of the curve
  double seconds = 0, steps_per_second = 0;
  SampleReport samples;                              ///< the last
  std::map<std::string, std::int64_t> first_alarms;  ///< step at which each alarm was first raised
};

/// Trains, resuming from the folder's checkpoint if there is one (Error{usage} if it was made with other options), and
/// leaves the averaged weights in task.generator, the last ones in task.discriminator. Stops at a signal after writing
/// a checkpoint, by Error{interrupted}; Error{bad_input} where a loss or gradient is no number.
AdversarialReport run_adversarial(const AdversarialTask& task, const AdversarialOptions& options);

}  // namespace euterpe
