#include "evaluate/audio_answers.hpp"

namespace euterpe {

nlohmann::json evaluate_instrument(const EvaluateOptions& options) {
  return audio_classification(audio_answers(options, instrument_trainer(), "instrument", "instruments"), "instrument",
                              options.seed);
}

}  // namespace euterpe
