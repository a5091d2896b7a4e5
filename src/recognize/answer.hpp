#pragma once
/// What a model says about a recording, a score, or a part of either.
#include <string>
#include <utility>
#include <vector>

namespace euterpe {

struct Answer {
  enum class Kind {
    probabilities,  ///< of labels that exclude each other: calibrated, sum 1
    values          ///< one number a label, each for itself
  };
  std::string task;  ///< "style", "instrument", "emotion", "valence-arousal", "quadrant", "composer", "drum-style"
  Kind kind = Kind::probabilities;
  std::vector<std::pair<std::string, double>> values;  ///< label and number, largest first
  /// 0 … 1: how sure it is that the input is unlike all that the model learned from. From 0.5 on the answer that a
  /// person sees is "unknown"; the values stand beside it all the same.
  double unknown = 0;
  std::string model, model_hash;
  bool commercial = false;  ///< whether the model that answered may be used commercially
};

}  // namespace euterpe
