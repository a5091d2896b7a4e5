#include "evaluate/audio_answers.hpp"

namespace euterpe {

nlohmann::json evaluate_style_audio(const EvaluateOptions& options) {
  return audio_classification(audio_answers(options, style_audio_trainer(), "style", "emotify"), "style", options.seed);
}

}  // namespace euterpe
