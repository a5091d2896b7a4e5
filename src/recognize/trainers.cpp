#include <array>

#include "recognize/trainer.hpp"
#include "recognize/training.hpp"

namespace euterpe {
namespace {

nlohmann::json style_audio(const RecognizerTraining& t) {
  return train_style_audio(t.data, t.out, t.seed, t.forbidden);
}

nlohmann::json style_score(const RecognizerTraining& t) {
  return train_style_score(t.data, t.out, t.seed, t.forbidden);
}

}  // namespace

std::span<const RecognizerTrainer> recognizer_trainers() {
  static const std::array<RecognizerTrainer, 2> rows{
      RecognizerTrainer{"style-audio",
                        "Style of a recording, from its descriptors",
                        "Folder of audio, one subfolder a style (artists.csv: file,artist)",
                        {},
                        style_audio},
      RecognizerTrainer{"score-style",
                        "Style of a score, from its descriptors",
                        "Folder that holds the data sets jsb, nottingham, pop909 and classical",
                        {},
                        style_score,
                        "style-score"}};
  return rows;
}

}  // namespace euterpe
