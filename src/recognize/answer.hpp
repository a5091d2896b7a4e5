#pragma once
/// What a model says about a recording, a score, or a part of either.
#include <nlohmann/json_fwd.hpp>
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
  std::vector<std::pair<std::string, double>> values;  ///< label and number, in order
  /// 0 … 1: how sure it is that the input is unlike all that the model learned from. From 0.5 on the answer that a
  /// person sees is "unknown"; the values stand beside it all the same.
  double unknown = 0;
  std::string model, model_hash;
  bool commercial = false;  ///< whether the model that answered may be used commercially
  bool operator==(const Answer&) const = default;
};

inline constexpr const char* kValenceArousal = "valence-arousal";  ///< the task whose values are places on two axes
inline constexpr double kUnknown = 0.5;  ///< Answer::unknown from which on an answer is "unknown"

/// "unknown" or the label of the largest value.
std::string best_label(const Answer& answer);

/// "pop 0.83, rock 0.12", or "unknown 0.97 (nearest: pop 0.83)": four values at most, three where there are more.
std::string in_words(const Answer& answer);

/// Puts the values in the order in which all outputs show them: the largest first, ties by label; valence before
/// arousal, which are two axes and no rivals.
void put_in_order(Answer& answer);

/// One answer for several parts of one thing: the mean of their numbers. All are of one model and task; not empty.
Answer mean_answer(const std::vector<Answer>& parts);

/// {task, kind, answer (probabilities alone), unknown, values {label: number}, model {name, hash}, commercial}.
void to_json(nlohmann::json& json, const Answer& answer);
/// Throws nlohmann::json::exception where something is missing.
void from_json(const nlohmann::json& json, Answer& answer);

}  // namespace euterpe
