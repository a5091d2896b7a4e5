#pragma once
/// Which parts of an input an answer rests on: parts are taken away, and what that does to the answer is learned.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace euterpe {

/// One way to tell the parts apart (by band, by bar, by pitch …): those of one group are expected to weigh alike.
struct Grouping {
  std::vector<std::uint32_t> group;  ///< [parts]
  double variance = 1;               ///< how much groups differ, beside the 1 of a part for itself
};

struct SaliencyOptions {
  double share = 0.2;  ///< of the parts that are taken away at a time, and that count as salient; 0 … 1
  int passes = 96;     ///< how often the model may be asked, at least 2
  std::uint64_t seed = 0;
  /// The answer that is explained; without one the most probable.
  std::optional<std::size_t> label = {};
  int threads = 0;  ///< that ask it at a time; 0: as many as parallel_for takes. The result does not depend on it.
};

struct Saliency {
  /// The answer that is explained and the most probable of the others; equal if there is only one.
  std::size_t label = 0, runner_up = 0;
  double probability = 0, runner_up_probability = 0;
  /// [parts] by how much the label's log odds against all others fall with each part that is taken away among others;
  /// below 0 where the answer becomes surer.
  std::vector<double> weights;
  std::vector<std::size_t> salient;  ///< the share of the parts that weighs most, heaviest first
  int passes = 0;                    ///< how often the model was asked
};

/// Probabilities, sum 1, for the input without the parts that are marked by 1: [parts]. Must be thread-safe.
using MaskedAnswer = std::function<std::vector<double>(std::span<const std::uint8_t> without)>;

/// Bayesian linear regression of the log odds on the parts taken away. The prior holds parts of one group to be alike;
/// its scale and the noise are those of the highest evidence (MacKay 1992). What is taken away next is the share that
/// weighs most in a draw from the posterior (Thompson 1933; Russo et al. 2018), so that passes go where the answer
/// falls. No parts: no weights.
Saliency find_saliency(std::size_t parts, std::span<const Grouping> groupings, const MaskedAnswer& answer,
                       const SaliencyOptions& options = {});

/// By how much the label's probability falls without a random share of the parts: mean of `draws`, each from `seed`.
double random_fall(std::size_t parts, std::size_t label, double probability, const MaskedAnswer& answer, double share,
                   int draws, std::uint64_t seed);

}  // namespace euterpe
