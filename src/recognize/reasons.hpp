#pragma once
/// In a musician's words: what one hears or reads that speaks for an answer against the runner-up.
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace euterpe {

/// What a model of named descriptors saw, and what is usual.
struct DescriptorEvidence {
  std::vector<std::string> names;                  ///< [descriptors], audio_feature_names(), score_feature_names() …
  std::vector<std::vector<float>> views;           ///< descriptor vectors of one input, each [descriptors]
  std::vector<std::string> labels;                 ///< [classes]
  std::vector<float> class_mean, class_deviation;  ///< row-major [classes × descriptors], of the training examples
  /// Probabilities, [classes], for other views in place of `views`; what else the model hears stays.
  std::function<std::vector<double>(const std::vector<std::vector<float>>&)> answer;
};

/// One family of descriptors ("brightness", "pulse and tempo"), heaviest first in a list.
struct DescriptorReason {
  std::string family;
  /// By how much the family raises the log odds of the answer against the runner-up over what the runner-up's mean
  /// would give: its Shapley value (Shapley 1953), sampled. Below 0: it speaks against the answer.
  double weight = 0;
  std::string sentence;    ///< "brighter than most classical (spectral centroid 2,900 Hz; classical 1,100 ± 400 Hz)"
  std::string descriptor;  ///< the named number of the sentence
  double value = 0, usual_answer = 0, usual_runner_up = 0, deviation_runner_up = 0;  ///< in `unit`
  std::string unit;
};

struct ReasonOptions {
  int permutations = 32;
  unsigned long long seed = 0;
  std::optional<std::size_t> label = {};  ///< the answer that is spoken of; without one the most probable
};

/// Every family that has descriptors here, heaviest first. Error{bad_input} where class means are missing or misshapen.
std::vector<DescriptorReason> reasons(const DescriptorEvidence& evidence, const ReasonOptions& options = {});

nlohmann::json to_json(const DescriptorReason& reason);

}  // namespace euterpe
