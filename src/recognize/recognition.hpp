#pragma once
/// All that is said about one file.
#include <string>
#include <string_view>
#include <vector>

#include "recognize/answer.hpp"

namespace euterpe {

/// A stretch of a recording (about 10 s) or score (16 bars and more) with its style and emotion.
struct Segment {
  double begin = 0, end = 0;  ///< seconds
  std::vector<Answer> answers;
  bool operator==(const Segment&) const = default;
};

/// CPU seconds, over all threads.
struct Stages {
  double decode = 0;       ///< reading files, up to samples or notes
  double descriptors = 0;  ///< what is computed of them by rule
  double network = 0;      ///< the encoder
  double heads = 0;        ///< from these to answers
  double total() const { return decode + descriptors + network + heads; }
};

struct Recognition {
  std::string kind;             ///< "audio" or "score"
  double duration = 0;          ///< seconds
  std::vector<Answer> answers;  ///< in the order of recognizer_models(); tasks differ
  std::vector<Segment> curve;   ///< in order of time; of a recording only what was listened to
  /// Where it lies among others, to be compared in `embedding_space` alone: a hash of the encoder, or of the
  /// descriptors' name where there is none, and of kAnswerVersion.
  std::vector<float> embedding;
  std::string embedding_space;
  std::vector<std::string> warnings;  ///< what was mended in the file

  const Answer* find(std::string_view task) const {  ///< null if nothing was said
    for (const Answer& answer : answers)
      if (answer.task == task) return &answer;
    return nullptr;
  }
};

}  // namespace euterpe
