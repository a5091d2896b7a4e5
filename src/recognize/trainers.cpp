#include <array>

#include "recognize/trainer.hpp"
#include "recognize/training.hpp"
#include "recognize/training_audio.hpp"
#include "recognize/training_audio_encoder.hpp"
#include "recognize/training_score_encoder.hpp"
#include "recognize/training_score_heads.hpp"

namespace euterpe {
namespace {

nlohmann::json train_style(const RecognizerTraining& t) {
  return train_style_score(t.data, t.out, t.seed, t.forbidden);
}

constexpr RecognizerTrainer kScoreStyle{"score-style",
                                        "Style of a score, from its descriptors",
                                        "Folder that holds the data sets jsb, nottingham, pop909 and classical",
                                        {},
                                        train_style,
                                        "style-score"};

}  // namespace

std::span<const RecognizerTrainer> recognizer_trainers() {
  static const std::array rows{kAudioEncoderTrainer,    style_audio_trainer(), instrument_trainer(),
                               score_encoder_trainer(), kScoreStyle,           score_emotion_trainer(),
                               composer_trainer(),      drum_style_trainer()};
  return rows;
}

}  // namespace euterpe
